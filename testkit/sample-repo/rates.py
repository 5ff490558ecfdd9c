"""What it costs to ship a parcel, in cents."""

BASE_CENTS = {"home": 350, "near": 600, "far": 1_400}
PER_KILO_CENTS = {"home": 100, "near": 250, "far": 600}


def price_cents(weight_g, zone):
    """The price for one parcel; every started kilogram counts."""
    kilos = -(-weight_g // 1000)
    return BASE_CENTS[zone] + kilos * PER_KILO_CENTS[zone]
