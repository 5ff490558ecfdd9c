import unittest

from rates import price_cents


class PriceTest(unittest.TestCase):
    def test_a_started_kilogram_counts_whole(self):
        self.assertEqual(price_cents(1001, "home"), price_cents(2000, "home"))

    def test_a_far_parcel_costs_more(self):
        self.assertGreater(price_cents(1000, "far"), price_cents(1000, "near"))

    def test_an_unknown_zone_has_no_price(self):
        with self.assertRaises(KeyError):
            price_cents(1000, "moon")


if __name__ == "__main__":
    unittest.main()
