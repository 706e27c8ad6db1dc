"""Addresses of campaigns, grants and simulations for partners."""

from django.urls import path

from . import batches, views

urlpatterns = [
    path("simulations", views.Simulations.as_view(), name="simulations"),
    path("grants", views.Grants.as_view(), name="grants"),
    path("customers/<str:public_id>/wallet", views.Wallet.as_view(), name="wallet"),
    path("campaigns", views.Campaigns.as_view(), name="campaigns"),
    path("campaigns/<str:public_id>", views.CampaignDetail.as_view(), name="campaign"),
    path("campaigns/<str:public_id>/incentives", views.CampaignIncentives.as_view(), name="campaign-incentives"),
    path("incentives/<str:public_id>", views.IncentiveDetail.as_view(), name="incentive"),
    path("stack-groups", views.StackGroups.as_view(), name="stack-groups"),
    path("stack-groups/<str:key>", views.StackGroupDetail.as_view(), name="stack-group"),
    path("codes/batches", batches.Batches.as_view(), name="code-batches"),
    path("codes/batches/import", batches.BatchImport.as_view(), name="code-batch-import"),
    path("codes/batches/<str:public_id>", batches.BatchDetail.as_view(), name="code-batch"),
    path("codes/batches/<str:public_id>/codes.csv", batches.BatchCodes.as_view(), name="code-batch-codes"),
    *[
        path(f"codes/batches/<str:public_id>/{step}", batches.BatchStep.as_view(step=step), name=f"code-batch-{step}")
        for step in ("pause", "resume", "cancel")
    ],
    *[
        path(f"campaigns/<str:public_id>/{step}", views.CampaignStep.as_view(step=step), name=f"campaign-{step}")
        for step in ("launch", "pause", "resume", "end")
    ],
]
