"""What models of every app share."""

import uuid

from django.db import models


class PublicIdModel(models.Model):
    """Adds ``public_id``, the opaque id shown outside; ``id`` stays inside."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)

    class Meta:
        abstract = True
