"""What the documented proxies say of TLS. ``make fire-proxy`` starts both and tries every version against them."""

import re

from incentives_site.services.locations import PROJECT

NGINX = (PROJECT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
CADDY = (PROJECT / "deploy" / "Caddyfile").read_text(encoding="utf-8")


def test_both_speak_tls_1_2_and_1_3_alone() -> None:
    assert re.findall(r"ssl_protocols ([^;]+);", NGINX) == ["TLSv1.2 TLSv1.3"]
    assert re.findall(r"^\s*protocols (.+)$", CADDY, re.MULTILINE) == ["tls1.2 tls1.3"]


def test_every_cipher_has_forward_secrecy_and_is_authenticated() -> None:
    [ours] = re.findall(r"ssl_ciphers ([^;]+);", NGINX)
    [theirs] = re.findall(r"^\s*ciphers (.+)$", CADDY, re.MULTILINE)
    for cipher in (*ours.split(":"), *theirs.split()):
        assert "ECDHE" in cipher, cipher
        assert "GCM" in cipher or "CHACHA20" in cipher, cipher
    assert len(ours.split(":")) == len(theirs.split()) == 6


def test_every_site_of_nginx_is_behind_tls() -> None:
    assert re.findall(r"listen ([^;]+);", NGINX) == ["443 ssl http2"]
