"""Pages that read several apps: home, the list of campaigns and a campaign with its results (``docs/decisions/0002``)."""
