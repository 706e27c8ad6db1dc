"""Who: channels and stores, customers and their identities, the timeline, purchases."""

from ._channels import Channel, Store
from ._consent import Consent
from ._customers import Customer, Identity, IdentityKind, KeptApart, Merge
from ._erasure import DataRequest, DataRequestKind, DataRequestState, Erasure, Export, Suppression
from ._imports import CustomerImport, CustomerImportPart, ImportState, ListExport
from ._ingestion import SOURCE_KEYS, Intake, Rejection, Source, digest_of_key, new_write_key
from ._insight import CustomerScale, JourneyStages
from ._purchases import Purchase, PurchaseLine
from ._segments import Segment, SegmentChange, SegmentKind, SegmentMember, SegmentState, SegmentTouch, Unjudged
from ._timeline import Event, SeenMessage

__all__ = [
    "SOURCE_KEYS",
    "Channel",
    "Consent",
    "Customer",
    "CustomerImport",
    "CustomerImportPart",
    "CustomerScale",
    "DataRequest",
    "DataRequestKind",
    "DataRequestState",
    "Erasure",
    "Event",
    "Export",
    "Identity",
    "IdentityKind",
    "ImportState",
    "Intake",
    "JourneyStages",
    "KeptApart",
    "ListExport",
    "Merge",
    "Purchase",
    "PurchaseLine",
    "Rejection",
    "SeenMessage",
    "Segment",
    "SegmentChange",
    "SegmentKind",
    "SegmentMember",
    "SegmentState",
    "SegmentTouch",
    "Source",
    "Store",
    "Suppression",
    "Unjudged",
    "digest_of_key",
    "new_write_key",
]
