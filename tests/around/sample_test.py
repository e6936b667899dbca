"""The samples in data/ and the generators that made them. Usage: sample_test.py GENERATE_ORDERS GENERATE_DEMAND"""

import collections
import csv
import datetime
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

DATA = pathlib.Path(__file__).resolve().parents[2] / "data"
SAMPLE = DATA / "order_triage"
TABLES = ["orders", "inventory", "payments", "zip_codes"]
GENERATOR = None
DEMAND_GENERATOR = None
DEMAND_FILES = {"weekly_demand": ["order_lines"], "weekly_demand_by_store": ["order_lines", "products", "stores"],
                "store_sales": ["train", "store"],
                "milk_price": ["precio_leche", "precipitaciones", "banco_central"]}


def generate(folder, *, rows, seed, gzipped=False):
    subprocess.run([GENERATOR, "--rows", str(rows), "--seed", str(seed), "--out", str(folder)]
                   + ["--gzip"] * gzipped, check=True)
    return folder


class OrderSet:
    """The files of one folder, as text. Times compare as text, since all have one form."""

    def __init__(self, folder):
        for name in TABLES:
            with open(folder / f"{name}.csv", newline="", encoding="utf-8") as file:
                setattr(self, name, list(csv.DictReader(file)))
        with open(folder / "expected.jsonl", encoding="utf-8") as file:
            self.expected = [json.loads(line) for line in file]

    def recommendations(self, sees=lambda row_time, order_time: row_time <= order_time):
        """By definition, from the files alone: the newest row that is seen, the later line when two share a second."""
        def series(rows, key):
            by_key = collections.defaultdict(list)
            for row in rows:
                by_key[row[key]].append(row)
            return {name: sorted(rows, key=lambda row: row["timestamp"]) for name, rows in by_key.items()}

        def newest(rows, time, column, otherwise):
            seen = [row[column] for row in rows if sees(row["timestamp"], time)]
            return seen[-1] if seen else otherwise

        stock = series(self.inventory, "sku_code")
        payments = series(self.payments, "order_id")
        opens = {row["zip_code"]: row["available_from"] for row in self.zip_codes}
        for order in self.orders:
            time = order["timestamp"]
            if int(newest(stock.get(order["sku_code"], []), time, "inventory", "0")) <= 0:
                yield "HoldCheckAvailability"
            elif order["zip_code"] not in opens or not sees(opens[order["zip_code"]], time):
                yield "HoldCheckDelivery"
            elif newest(payments.get(order["order_id"], []), time, "payment_status", "UNKNOWN") != "OK":
                yield "HoldCheckPayment"
            else:
                yield "Decline" if time[11:13] < "06" else "Deliver"


class Generator(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def contents(self, folder):
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".csv", ".jsonl")}

    def test_writes_the_committed_sample_byte_for_byte(self):
        generate(self.folder, rows=500, seed=2024)
        self.assertEqual(self.contents(self.folder), self.contents(SAMPLE))

    def test_writes_other_orders_for_another_seed(self):
        generate(self.folder, rows=500, seed=2025)
        for name, content in self.contents(self.folder).items():
            self.assertNotEqual(content, (SAMPLE / name).read_bytes(), name)

    def test_writes_the_same_text_compressed(self):
        generate(self.folder, rows=500, seed=2024, gzipped=True)
        for name in TABLES:
            with gzip.open(self.folder / f"{name}.csv.gz") as file:
                self.assertEqual(file.read(), (SAMPLE / f"{name}.csv").read_bytes(), name)

    def test_expects_what_the_files_say_by_definition(self):
        for rows, seed in [(1, 1), (3, 7), (500, 1), (10_000, 2)]:
            with self.subTest(rows=rows, seed=seed):
                data = OrderSet(generate(self.folder, rows=rows, seed=seed))
                self.assertEqual([line["order_id"] for line in data.expected],
                                 [order["order_id"] for order in data.orders])
                self.assertEqual([line["recommendation"] for line in data.expected], list(data.recommendations()))

    def test_never_repeats_an_identifier(self):
        data = OrderSet(generate(self.folder, rows=20_000, seed=5))
        for column, rows in [("order_id", data.orders), ("zip_code", data.zip_codes)]:
            self.assertEqual(len({row[column] for row in rows}), len(rows), column)
        self.assertEqual(len({row["sku_code"] for row in data.inventory}), 2_000)

    def test_refuses_what_it_cannot_do(self):
        for arguments in ["--rows 0 --seed 1 --out x", "--rows 20000001 --seed 1 --out x", "--rows -1 --seed 1 --out x",
                          "--rows many --seed 1 --out x", "--rows 5 --seed 1", "--rows 5 --seed 1 --out x --fast"]:
            with self.subTest(arguments):
                run = subprocess.run([GENERATOR, *arguments.split()], cwd=self.folder, capture_output=True, text=True)
                self.assertEqual(run.returncode, 2)
                self.assertIn("generate-orders: ", run.stderr)
                self.assertEqual(list(self.folder.iterdir()), [])

    def test_says_so_when_the_disk_is_full(self):
        (self.folder / "orders.csv").symlink_to("/dev/full")
        run = subprocess.run([GENERATOR, "--rows", "5", "--seed", "1", "--out", self.folder], capture_output=True,
                             text=True)
        self.assertEqual(run.returncode, 1)
        self.assertIn("orders.csv: cannot be written", run.stderr)


class Sample(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.data = OrderSet(SAMPLE)

    def test_has_every_recommendation(self):
        counts = collections.Counter(line["recommendation"] for line in self.data.expected)
        self.assertEqual(set(counts), {"HoldCheckAvailability", "HoldCheckDelivery", "HoldCheckPayment", "Decline",
                                       "Deliver"})
        self.assertGreater(min(counts.values()), 20)

    def test_has_codes_with_leading_zeros(self):
        for column in ["sku_code", "zip_code"]:
            self.assertTrue(any(order[column].startswith("0") for order in self.data.orders), column)

    def test_is_in_no_order_of_time(self):
        for name in ["orders", "inventory", "payments"]:
            times = [row["timestamp"] for row in getattr(self.data, name)]
            self.assertNotEqual(times, sorted(times), name)

    def test_has_rows_of_one_key_and_second_that_differ(self):
        for name, key, column in [("inventory", "sku_code", "inventory"), ("payments", "order_id", "payment_status")]:
            values = collections.defaultdict(set)
            for row in getattr(self.data, name):
                values[row[key], row["timestamp"]].add(row[column])
            self.assertTrue(any(len(several) > 1 for several in values.values()), name)

    def test_has_orders_that_join_nothing(self):
        for table, key in [("inventory", "sku_code"), ("payments", "order_id"), ("zip_codes", "zip_code")]:
            known = {row[key] for row in getattr(self.data, table)}
            self.assertTrue(any(order[key] not in known for order in self.data.orders), table)

    def test_tells_apart_those_who_look_ahead_or_do_not_see_the_same_second(self):
        right = list(self.data.recommendations())
        self.assertNotEqual(right, list(self.data.recommendations(sees=lambda row, order: True)))
        self.assertNotEqual(right, list(self.data.recommendations(sees=lambda row, order: row < order)))

    def test_tells_apart_those_who_take_the_first_of_two_rows_in_the_same_second(self):
        for table in ["inventory", "payments"]:
            data = OrderSet(SAMPLE)
            getattr(data, table).reverse()
            self.assertNotEqual(list(self.data.recommendations()), list(data.recommendations()), table)

    def test_has_side_tables_that_reach_the_newest_order(self):
        newest = max(order["timestamp"] for order in self.data.orders)
        self.assertGreaterEqual(max(row["timestamp"] for row in self.data.inventory), newest)
        self.assertGreaterEqual(max(row["timestamp"] for row in self.data.payments), newest)
        self.assertGreaterEqual(max(row["available_from"] for row in self.data.zip_codes), newest)


def read(kind, name):
    with open(DATA / kind / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class DemandGenerator(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def generate(self, *arguments):
        return subprocess.run([DEMAND_GENERATOR, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True)

    def contents(self, folder):
        return {path.name: path.read_bytes() for path in folder.glob("*.csv")}

    def test_writes_the_committed_samples_byte_for_byte(self):
        for kind, files in DEMAND_FILES.items():
            with self.subTest(kind):
                run = self.generate("--kind", kind, "--seed", 2024, "--out", kind)
                self.assertEqual(run.returncode, 0, run.stderr)
                self.assertEqual(set(self.contents(self.folder / kind)), {f"{name}.csv" for name in files})
                self.assertEqual(self.contents(self.folder / kind), self.contents(DATA / kind))

    def test_writes_other_sales_for_another_seed(self):
        for kind, files in DEMAND_FILES.items():
            with self.subTest(kind):
                self.generate("--kind", kind, "--seed", 2025, "--out", kind)
                name = f"{files[0]}.csv"
                self.assertNotEqual((self.folder / kind / name).read_bytes(), (DATA / kind / name).read_bytes())

    def test_refuses_what_it_cannot_do(self):
        for arguments in ["--kind weekly --seed 1 --out x", "--kind store_sales --seed one --out x",
                          "--kind store_sales --out x", "--seed 1 --out x", "--kind store_sales --seed 1"]:
            with self.subTest(arguments):
                run = self.generate(*arguments.split())
                self.assertEqual(run.returncode, 2)
                self.assertIn("generate-demand: ", run.stderr)
                self.assertEqual(list(self.folder.iterdir()), [])

    def test_says_so_when_the_disk_is_full(self):
        (self.folder / "train.csv").symlink_to("/dev/full")
        run = self.generate("--kind", "store_sales", "--seed", 1, "--out", self.folder)
        self.assertEqual(run.returncode, 1)
        self.assertIn("train.csv: cannot be written", run.stderr)


class DemandSamples(unittest.TestCase):
    def test_are_small(self):
        for kind in DEMAND_FILES:
            self.assertLess(sum(path.stat().st_size for path in (DATA / kind).iterdir()), 400_000, kind)

    def assert_torn_weeks_at_both_ends(self, lines, whole_weeks):
        days = {datetime.date.fromisoformat(line["sold_at"][:10]) for line in lines}
        first, last = min(days), max(days)
        self.assertEqual((first.isoweekday(), last.isoweekday()), (3, 4))
        monday = first + datetime.timedelta(days=8 - first.isoweekday())
        self.assertEqual((last - datetime.timedelta(days=last.isoweekday() - 1) - monday).days // 7, whole_weeks)

    def test_of_weekly_demand_has_what_its_query_leaves_out(self):
        lines = read("weekly_demand", "order_lines")
        self.assert_torn_weeks_at_both_ends(lines, 70)
        cancelled = [line for line in lines if int(line["quantity"]) < 0]
        self.assertGreater(len(cancelled), 20)
        self.assertTrue(all(line["invoice"].startswith("C") for line in cancelled))
        self.assertGreater(sum(float(line["unit_price"]) == 0 for line in lines), 10)

    def test_of_weekly_demand_has_codes_that_are_lost_when_read_as_numbers(self):
        codes = {line["product"] for line in read("weekly_demand", "order_lines")}
        self.assertEqual(len(codes), 25)
        self.assertLess(len({int(code) for code in codes}), 25)

    def test_of_demand_by_store_names_only_products_and_stores_that_are_known(self):
        lines = read("weekly_demand_by_store", "order_lines")
        self.assert_torn_weeks_at_both_ends(lines, 112)
        self.assertEqual(len({line["order_id"] for line in lines}), len(lines))
        for table, key in [("products", "product_id"), ("stores", "store_id")]:
            known = [row[key] for row in read("weekly_demand_by_store", table)]
            self.assertEqual(sorted({line[key] for line in lines}), sorted(known))
            self.assertTrue(all(code.startswith("0") for code in known))

    def test_of_store_sales_has_the_form_of_the_files_it_stands_for(self):
        train = (DATA / "store_sales" / "train.csv").read_text(encoding="utf-8").splitlines()
        self.assertEqual(train[0], '"Store","DayOfWeek","Date","Sales","Customers","Open","Promo","StateHoliday",'
                                   '"SchoolHoliday"')
        self.assertRegex("\n".join(train[1:]) + "\n", r'\A([1-6],[1-7],\d{4}-\d\d-\d\d,\d+,\d+,[01],[01],"[0abc]","[01]"\n)+\Z')
        store = (DATA / "store_sales" / "store.csv").read_text(encoding="utf-8")
        for quirk in ['"c","a",740,6,2016,0,,,""\n', ',,,,0,,,""\n', '"Mar,Jun,Sept,Dec"\n', '"Jan,Apr,Jul,Oct"\n']:
            self.assertIn(quirk, store)

    def test_of_milk_price_has_the_marred_months_of_the_files_it_stands_for(self):
        periods = [row["Periodo"][:10] for row in read("milk_price", "banco_central")]
        self.assertEqual(len(periods) - len(set(periods)), 1, "one month is there twice")
        self.assertNotEqual(periods, sorted(periods))
        bank = (DATA / "milk_price" / "banco_central.csv").read_text(encoding="utf-8")
        self.assertEqual(bank.count(",a,"), 1)
        self.assertRegex(bank, r",\d{2}\.\d{3}\.\d{3},")
        self.assertEqual([row["Mes"] for row in read("milk_price", "precio_leche")][:4], ["Ene", "Feb", "Mar", "Abr"])

    def test_of_store_sales_contradicts_itself_nowhere(self):
        rows = read("store_sales", "train")
        order = [(-datetime.date.fromisoformat(row["Date"]).toordinal(), int(row["Store"])) for row in rows]
        self.assertEqual(order, sorted(set(order)), "newest first, a store and date once")
        promo = collections.defaultdict(set)
        for row in rows:
            self.assertEqual(datetime.date.fromisoformat(row["Date"]).isoweekday(), int(row["DayOfWeek"]))
            promo[row["Date"]].add(row["Promo"])
            if row["Open"] == "0":
                self.assertEqual((row["Sales"], row["Customers"]), ("0", "0"))
        self.assertEqual({len(several) for several in promo.values()}, {1})
        self.assertTrue(any(row["Open"] == "1" and row["Sales"] == "0" for row in rows))
        self.assertEqual({row["StateHoliday"] for row in rows}, set("0abc"))
        self.assertGreater(len(promo), 2 * 364, "there is a year before the year that is learned from")
        self.assertEqual({row["Store"] for row in rows}, {row["Store"] for row in read("store_sales", "store")})


if __name__ == "__main__":
    GENERATOR = sys.argv.pop(1)
    DEMAND_GENERATOR = sys.argv.pop(1)
    unittest.main()
