"""No message goes where only we can reach: refused when it is saved, and again when it is sent."""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from incentives_site.integrations import operations
from incentives_site.integrations.models import Partner, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from incentives_site.integrations.rules import addresses
from incentives_site.integrations.tests.receiver import Receiver, receiving
from incentives_site.shared.problems import Invalid

Resolve = Callable[[str, list[str]], None]

LEADS_INSIDE = [
    "http://127.0.0.1",
    "http://127.0.0.1:8000/x",
    "https://127.1/",
    "http://localhost/",
    "http://LOCALHOST:8080/",
    "http://0.0.0.0/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:1::1]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7F.0.0.1/",
    "http://0177.0.0.1/",
    "http://127.000.000.001/",
    "http://0xa9fea9fe/",
]
BADLY_WRITTEN = [
    ("http://user:secret@93.184.215.14/", "userinfo-not-allowed"),
    ("http://93.184.215.14@127.0.0.1/", "userinfo-not-allowed"),
    ("http://93.184.215.14:80@127.0.0.1/", "userinfo-not-allowed"),
    ("http://@127.0.0.1/", "userinfo-not-allowed"),
    ("http://127.0.0.1\\@93.184.215.14/", "bad-url"),
    ("http://93.184.215.14#@127.0.0.1/", "fragment-not-allowed"),
    ("http://93.184.215.14/#", "fragment-not-allowed"),
    ("http://93.184.215.14:22/", "port-not-allowed"),
    ("http://93.184.215.14:25/", "port-not-allowed"),
    ("http://93.184.215.14:0/", "port-not-allowed"),
    ("http://93.184.215.14:65536/", "bad-url"),
    ("http://93.184.215.14:abc/", "bad-url"),
    ("http://93.184.215.14:-1/", "bad-url"),
    ("ftp://93.184.215.14/", "bad-url"),
    ("file:///etc/passwd", "bad-url"),
    ("gopher://127.0.0.1:6379/_x", "bad-url"),
    ("javascript:alert(1)", "bad-url"),
    ("//93.184.215.14/", "bad-url"),
    ("http:/93.184.215.14/", "bad-url"),
    ("http:///x", "bad-url"),
    ("http://", "bad-url"),
    ("", "bad-url"),
    (" http://93.184.215.14/", "bad-url"),
    ("http://93.184.215.14/\r\nX: y", "bad-url"),
    ("http://93.184.215.14/a b", "bad-url"),
    ("http://93.184.215.14\t/", "bad-url"),
    ("http://93.184.215.14/\x00", "bad-url"),
    ("http://①②⑦.⓪.⓪.①/", "bad-url"),
    ("http://127。0。0。1/", "bad-url"),
    ("http://lоcalhost/", "bad-url"),
    ("http://127.0.0.1%2f@x/", "userinfo-not-allowed"),
    ("http://127.0.0.1%00.example.com/", "bad-url"),
    ("http://[fe80::1%25eth0]/", "bad-url"),
    ("http://[::1/", "bad-url"),
    ("http://example.com/" + "x" * 2000, "bad-url"),
]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Makes a name lead to addresses, in the standard library's own resolver and nowhere else."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host in known:
            return [entry for text in known[host] for entry in real(text, port, *args, **kwargs)]
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known.__setitem__


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def fault(url: str) -> str:
    with pytest.raises(Invalid) as refusal:
        operations.check_url(url)
    (error,) = refusal.value.errors
    assert error.pointer == "/url"
    assert str(error.detail)
    return error.code


def loopback(settings: Any) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]


def stored(url: str) -> WebhookEndpoint:
    """As if it had been saved when it was allowed, with something to deliver."""
    partner = Partner.objects.get_or_create(key="shop", defaults={"name": "Shop"})[0]
    endpoint, _secret = operations.add_endpoint(
        partner=partner, url="https://93.184.215.14/", types=["campaign.paused"], by="x", now=timezone.now()
    )
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(url=url)
    operations.ping(endpoint=endpoint, now=timezone.now())
    return endpoint


def attempt() -> WebhookAttempt:
    assert operations.deliver(clock=timezone.now) == 1
    return WebhookAttempt.objects.get()


@pytest.mark.parametrize("url", LEADS_INSIDE)
def test_an_address_that_leads_inside_is_refused_however_it_is_written(url: str) -> None:
    # Ports below 1024 aside, how it is refused depends on whether the system reads such a spelling at all.
    assert fault(url) in {"address-not-allowed", "host-unknown"}
    assert fault("http://127.0.0.1") == "address-not-allowed"


@pytest.mark.parametrize(("url", "code"), BADLY_WRITTEN, ids=range(len(BADLY_WRITTEN)))
def test_an_address_that_is_written_badly_is_refused(url: str, code: str) -> None:
    assert fault(url) == code


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14",
        "https://93.184.215.14:8443/hook?x=1&y=%20",
        "HTTPS://93.184.215.14:443/",
        "http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:8080/",
        "http://[::ffff:93.184.215.14]/",
    ],
)
def test_a_public_address_is_taken(url: str) -> None:
    operations.check_url(url)


def test_a_name_is_judged_by_all_its_addresses(names: Resolve) -> None:
    names("good.example.com", ["93.184.215.14"])
    names("bad.example.com", ["127.0.0.1"])
    names("mixed.example.com", ["93.184.215.14", "10.0.0.1"])
    names("six.example.com", ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::1"])
    operations.check_url("https://good.example.com/hook")
    assert {fault(f"https://{name}.example.com/") for name in ("bad", "mixed", "six")} == {"address-not-allowed"}
    assert fault("https://nowhere.invalid/") == "host-unknown"


def test_the_operator_opens_networks_and_only_these(settings: Any) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd12::/48")]
    for url in ("http://10.1.2.3/", "http://[::ffff:10.1.2.3]/", "http://[fd12::1]:9000/"):
        operations.check_url(url)
    assert {fault(url) for url in ("http://10.2.0.1/", "http://[fd13::1]/", "http://127.0.0.1/")} == {"address-not-allowed"}


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "rebound.example.com"])
def test_what_leads_inside_by_now_is_not_sent(host: str, receiver: Receiver, names: Resolve) -> None:
    names("rebound.example.com", ["127.0.0.1"])
    stored(receiver.url.replace("127.0.0.1", host))
    found = attempt()
    assert (found.status, found.error) == (None, "address-not-allowed")
    assert receiver.received == []
    assert WebhookDelivery.objects.get().state == "failed"


@pytest.mark.django_db
def test_the_name_is_looked_up_once_and_the_checked_address_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, settings: Any, receiver: Receiver
) -> None:
    """A name server that answers something allowed first and something else afterwards gains nothing."""
    loopback(settings)
    asked: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host == "rebinding.example.com":
            asked.append(host)
            return real("127.0.0.1" if len(asked) == 1 else "192.0.2.1", port, *args, **kwargs)
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    stored(receiver.url.replace("127.0.0.1", "rebinding.example.com"))
    assert attempt().status == 204
    assert asked == ["rebinding.example.com"]
    port = receiver.url.split(":")[2].partition("/")[0]
    assert receiver.received[0].headers["host"] == f"rebinding.example.com:{port}"


@pytest.mark.django_db
def test_a_redirect_is_not_followed(settings: Any, receiver: Receiver) -> None:
    loopback(settings)
    receiver.answers = [(302, {"Location": receiver.url + "&inside=1"}, b"")]
    stored(receiver.url)
    found = attempt()
    assert (found.status, found.error) == (302, "redirect")
    assert len(receiver.received) == 1


def test_networks_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from incentives_site import env

    monkeypatch.setenv("NETWORKS", "10.1.0.0/16, fd12::/48,192.168.1.7")
    assert [str(network) for network in env.networks("NETWORKS")] == ["10.1.0.0/16", "fd12::/48", "192.168.1.7/32"]
    monkeypatch.setenv("NETWORKS", "10.1.2.3/16")
    with pytest.raises(ImproperlyConfigured, match="NETWORKS must list networks"):
        env.networks("NETWORKS")


def test_the_rule_agrees_with_the_standard_library_where_that_is_sure() -> None:
    """What Python calls private, loopback, link-local, multicast or reserved is never called."""
    import random

    chance = random.Random(7)
    for _number in range(20_000):
        address: Any = ipaddress.IPv4Address(chance.getrandbits(32))
        if chance.random() < 0.5:
            address = ipaddress.IPv6Address(chance.getrandbits(128) if chance.random() < 0.7 else chance.getrandbits(34) << 94)
        if not address.is_global or address.is_multicast or address.is_reserved:
            assert not addresses.may_be_called(address, []), address


class TestTls:
    """The certificate is that of the name, although the address is what is connected to."""

    @pytest.fixture
    def served(self, tmp_path: Any, settings: Any, names: Resolve, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
        from incentives_site.integrations.operations import _send

        loopback(settings)
        names("hooks.example.com", ["127.0.0.1"])
        names("others.example.com", ["127.0.0.1"])
        certificate, key = self_signed("hooks.example.com")
        (tmp_path / "certificate.pem").write_bytes(certificate)
        (tmp_path / "key.pem").write_bytes(key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        _send.tls_context.cache_clear()
        with receiving(tls=context) as receiver:
            yield receiver
        _send.tls_context.cache_clear()

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("host", "outcome"),
        [
            ("hooks.example.com", (204, "")),
            ("others.example.com", (None, "certificate")),
            ("127.0.0.1", (None, "certificate")),
        ],
    )
    def test_it_is_checked(self, served: Receiver, host: str, outcome: tuple[int | None, str]) -> None:
        stored(served.url.replace("http://127.0.0.1", f"https://{host}"))
        found = attempt()
        assert (found.status, found.error) == outcome
        assert len(served.received) == (outcome[0] is not None)

    @pytest.mark.django_db
    def test_an_unknown_authority_is_not_trusted(self, served: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
        from incentives_site.integrations.operations import _send

        monkeypatch.delenv("SSL_CERT_FILE")
        _send.tls_context.cache_clear()
        stored(served.url.replace("http://127.0.0.1", "https://hooks.example.com"))
        assert attempt().error == "certificate"

    @pytest.mark.django_db
    def test_plain_http_where_tls_was_meant_is_an_error(self, settings: Any, receiver: Receiver) -> None:
        loopback(settings)
        stored(receiver.url.replace("http://", "https://"))
        assert attempt().error == "tls"


def self_signed(name: str) -> tuple[bytes, bytes]:
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
