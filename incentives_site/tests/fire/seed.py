"""What the installation holds when the fire begins. Run in a process of its own; prints the partner's key as JSON."""

import datetime
import json
import os
import sys

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incentives_site.settings")
    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    call_command("migrate", verbosity=0)
    from campaigns import sealing
    from campaigns.models import Code, LoyaltyProgramme, Measure
    from campaigns.tests.factories import CampaignFactory, IncentiveFactory, LimitFactory
    from customers.tests.factories import ChannelFactory, CustomerFactory, IdentityFactory
    from incentives_site.integrations.tests.factories import partner_key

    plan = json.loads(sys.argv[1])
    ChannelFactory()
    web = ChannelFactory(web=True)
    LoyaltyProgramme.objects.create(name="Points", point_values={"USD": "1"}, pending_days=0)
    campaign = CampaignFactory(live=True, starts_at=timezone.now() - datetime.timedelta(days=1), ends_at=None)
    campaign.channels.add(web)
    awards = [{"type": "points", "per": 100, "points": 1}]
    everybody = IncentiveFactory(campaign=campaign, key="ten", awards=awards)
    LimitFactory(incentive=everybody, maximum=plan["uses"], slots=16)
    LimitFactory(incentive=None, campaign=campaign, measure=Measure.DISCOUNT, maximum=10**12)
    for word, maximum in plan["codes"].items():
        coded = IncentiveFactory(campaign=campaign, key=word.lower(), claim="code", priority=-1)
        Code.objects.create(incentive=coded, digest=sealing.digest(word), sealed=sealing.seal(word))
        LimitFactory(incentive=coded, maximum=maximum)
    for number in range(plan["customers"]):
        IdentityFactory(customer=CustomerFactory(), kind="email", value=f"c{number}@example.com")
    _row, key = partner_key(channels=("web", "store"))
    sys.stdout.write(json.dumps({"key": key}) + "\n")


if __name__ == "__main__":
    main()
