"""pretix: its ``Discount.apply`` on objects that are never saved."""
