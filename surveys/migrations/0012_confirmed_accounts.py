"""Accounts that their owners have confirmed, and the audit log of them, which the database only lets grow."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

APPEND_ONLY = """
CREATE FUNCTION surveys_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append only.', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON surveys_bindingevent
    FOR EACH ROW EXECUTE FUNCTION surveys_is_append_only();
"""
# Who has a one-on-one by now: the address the directory has today is the first one known (``rules.bindings.may_vouch``).
FIRST_KNOWN = """
INSERT INTO surveys_bindingevent (at, kind, employee_id, account_address, old, new, by)
SELECT now(), 'noted', e.id, '', '', e.email, 'system' FROM surveys_employee e
WHERE EXISTS (SELECT FROM surveys_oneonone o WHERE e.id IN (o.manager_id, o.member_id))
ORDER BY e.id;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("surveys", "0011_what_few_would_tell"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Binding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("account_key", models.BigIntegerField(verbose_name="account number")),
                ("account_address", models.EmailField(max_length=254, verbose_name="address of the account")),
                ("address", models.EmailField(max_length=254, verbose_name="confirmed from")),
                (
                    "how",
                    models.CharField(
                        choices=[
                            ("link", "Link sent to the address in the directory"),
                            ("sign-on", "Single sign-on"),
                            ("sample", "Sample data"),
                        ],
                        default="link",
                        max_length=8,
                        verbose_name="how",
                    ),
                ),
                ("is_proven", models.BooleanField(default=False, verbose_name="confirmed from the first known address")),
                ("confirmed_at", models.DateTimeField(verbose_name="confirmed")),
                ("held_at", models.DateTimeField(blank=True, null=True, verbose_name="on hold since")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                ("access_version", models.PositiveIntegerField(default=0, verbose_name="access version")),
                ("confirmed_version", models.PositiveIntegerField(default=0, verbose_name="confirmed access version")),
                ("access", models.BinaryField()),
                ("mark", models.BinaryField()),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="account",
                    ),
                ),
                (
                    "employee",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bindings",
                        to="surveys.employee",
                        verbose_name="employee",
                    ),
                ),
            ],
            options={
                "verbose_name": "confirmed account",
                "verbose_name_plural": "confirmed accounts",
                "ordering": ["-confirmed_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="BindingEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="when")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("noted", "First known address noted"),
                            ("asked", "Link requested"),
                            ("refused", "Link refused"),
                            ("confirmed", "Account confirmed"),
                            ("moved", "Moved to another account"),
                            ("directory-address", "Address in the directory changed"),
                            ("directory-key", "Key in the directory changed"),
                            ("left", "Employee deactivated"),
                            ("returned", "Employee reactivated"),
                            ("account-address", "Address of the account changed"),
                            ("further-address", "Further sign-in address added"),
                            ("password", "Password set by someone else"),
                            ("second-factor", "Second factor changed by someone else"),
                            ("account-off", "Account deactivated"),
                            ("account-on", "Account reactivated"),
                            ("account-deleted", "Account deleted"),
                            ("outside", "Access changed outside the product"),
                            ("tampered", "Binding does not match the log"),
                            ("agreed", "The other participant agreed"),
                            ("declined", "The other participant declined"),
                        ],
                        max_length=20,
                        verbose_name="what",
                    ),
                ),
                ("binding", models.UUIDField(blank=True, null=True, verbose_name="binding")),
                ("account_key", models.BigIntegerField(blank=True, null=True, verbose_name="account")),
                ("account_address", models.CharField(blank=True, max_length=254, verbose_name="address of the account")),
                ("old", models.CharField(blank=True, max_length=254, verbose_name="before")),
                ("new", models.CharField(blank=True, max_length=254, verbose_name="after")),
                ("by", models.CharField(max_length=100, verbose_name="by")),
                (
                    "employee",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="surveys.employee",
                        verbose_name="employee",
                    ),
                ),
            ],
            options={
                "verbose_name": "change of a confirmed account",
                "verbose_name_plural": "audit log of confirmed accounts",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="BindingNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.EmailField(max_length=254, verbose_name="to")),
                ("language", models.CharField(blank=True, max_length=10, verbose_name="language")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent")),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="surveys.bindingevent",
                        verbose_name="change",
                    ),
                ),
                (
                    "series",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="surveys.oneonone",
                        verbose_name="one-on-one",
                    ),
                ),
            ],
            options={
                "verbose_name": "notice of a change",
                "verbose_name_plural": "notices of changes",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="BindingRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.EmailField(max_length=254, verbose_name="sent to")),
                ("token_digest", models.BinaryField(unique=True)),
                ("sealed_token", models.BinaryField(default=b"")),
                ("asked_at", models.DateTimeField(verbose_name="asked")),
                ("expires_at", models.DateTimeField(verbose_name="expires")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent")),
                ("used_at", models.DateTimeField(blank=True, null=True, verbose_name="used")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="account",
                    ),
                ),
                (
                    "employee",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="surveys.employee",
                        verbose_name="employee",
                    ),
                ),
            ],
            options={
                "verbose_name": "confirmation request",
                "verbose_name_plural": "confirmation requests",
                "ordering": ["-asked_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="MeetingSeat",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "side",
                    models.CharField(
                        choices=[("manager", "Manager"), ("member", "Team member")], max_length=8, verbose_name="side"
                    ),
                ),
                ("access_version", models.PositiveIntegerField(verbose_name="access version")),
                ("is_open", models.BooleanField(verbose_name="open")),
                ("decided_at", models.DateTimeField(verbose_name="decided")),
                ("mark", models.BinaryField()),
                (
                    "binding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="seats",
                        to="surveys.binding",
                        verbose_name="confirmed account",
                    ),
                ),
                (
                    "series",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="seats",
                        to="surveys.oneonone",
                        verbose_name="one-on-one",
                    ),
                ),
            ],
            options={
                "verbose_name": "seat at a one-on-one",
                "verbose_name_plural": "seats at one-on-ones",
                "ordering": ["id"],
            },
        ),
        migrations.AddConstraint(
            model_name="binding",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)), fields=("account",), name="an_account_is_one_employee"
            ),
        ),
        migrations.AddConstraint(
            model_name="binding",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None)), fields=("employee",), name="an_employee_has_one_account"
            ),
        ),
        migrations.AddConstraint(
            model_name="binding",
            constraint=models.CheckConstraint(
                condition=models.Q(("ended_at__isnull", False), ("account__isnull", False), _connector="OR"),
                name="a_live_binding_has_an_account",
            ),
        ),
        migrations.AddIndex(
            model_name="bindingevent",
            index=models.Index(fields=["employee", "kind", "-id"], name="changes_of_an_employee"),
        ),
        migrations.AddIndex(
            model_name="bindingnotice",
            index=models.Index(condition=models.Q(("sent_at", None)), fields=["id"], name="notices_that_wait"),
        ),
        migrations.AddIndex(
            model_name="bindingrequest",
            index=models.Index(fields=["account", "asked_at"], name="requests_of_an_account"),
        ),
        migrations.AddConstraint(
            model_name="meetingseat",
            constraint=models.UniqueConstraint(
                fields=("series", "side", "binding", "access_version"), name="a_seat_is_decided_once"
            ),
        ),
        migrations.RunSQL(
            APPEND_ONLY, "DROP TRIGGER append_only ON surveys_bindingevent; DROP FUNCTION surveys_is_append_only();"
        ),
        migrations.RunSQL(FIRST_KNOWN, migrations.RunSQL.noop),
    ]
