"""The check for banned calls sees each of them in code, and only in code."""

import tap
import banned

RULES = tap.ROOT.joinpath("tools/banned.txt").read_text("utf-8")
BANS = "\n".join(line for line in RULES.splitlines() if line.startswith("ban "))

PLANTED = {
    "clock": [
        "auto t = std::chrono::system_clock::now();",
        "auto t = std::chrono::steady_clock::now();",
        "auto t = absl::Now();",
        "clock_gettime(CLOCK_BOOTTIME, &t);",
    ],
    "sleep": ["std::this_thread::sleep_for(1s);", "usleep(5);", "absl::SleepFor(d);", "sleep(1);"],
    "random": ["int r = rand();", "std::random_device device;", "std::mt19937_64 generator;"],
    "thread": ["std::thread t(f);", "std::jthread t(f);", "auto f = std::async(g);"],
    "detach": ["worker.detach();"],
    "mutex": ["std::mutex m;", "std::shared_mutex m;", "absl::Mutex m;", "std::condition_variable c;"],
    "environment": ['auto* v = getenv("HOME");', 'std::getenv("HOME");'],
    "print": ['printf("x");', 'std::fprintf(stderr, "x");', "std::cout << 1;", 'fmt::print("x");'],
    "assert": ["assert(x);"],
}

INNOCENT = [
    "// std::mutex is banned here, and so is sleep_for",
    "/* rand() */",
    'Say("call getenv( and std::cout");',
    'auto raw = R"(assert(x) and usleep(1))";',
    "static_assert(sizeof(int) == 4);",
    "std::snprintf(buffer, size, format);",
    "operand(1); brand(2); AsyncSleep(3);",
    "auto n = std::thread::hardware_concurrency();",
    "const int million = 1'000'000; char c = '\\'';",
    "observer.printf(1);",
]


class BannedTest(tap.Planted):
    def errors(self, code, rules=BANS, path="lib/base/a.cc"):
        return banned.run(self.plant({"tools/banned.txt": rules, path: code}))[0]

    def test_each(self):
        """Each banned call that is planted in lib is found under its name."""
        named = {line.split(" ")[1] for line in BANS.splitlines()}
        self.assertEqual(named, set(PLANTED))
        for name, lines in PLANTED.items():
            for line in lines:
                errors = self.errors(f"\nvoid F() {{ {line} }}\n")
                self.assertEqual(len(errors), 1, (line, errors))
                self.assertIn(f"lib/base/a.cc:2: banned ({name})", errors[0])

    def test_innocent(self):
        """Comments, literals and names that merely look alike are left in peace."""
        for line in INNOCENT:
            self.assertEqual(self.errors(line + "\n"), [], line)

    def test_code_after_a_digit_separator(self):
        """A digit separator does not hide the code behind it."""
        self.assertEqual(len(self.errors("int x = 1'000; usleep(x); int y = 1'000;\n")), 1)

    def test_allowed(self):
        """A call passes in a file that has leave, and in no other."""
        rules = BANS + "\nallow sleep | lib/base/a.cc | it is the clock\n"
        self.assertEqual(self.errors("usleep(1);\n", rules), [])
        self.assertEqual(len(self.errors("usleep(1);\n", rules, "lib/base/b.cc")), 1)

    def test_stale(self):
        """A leave that nothing needs any more fails."""
        rules = BANS + "\nallow sleep | lib/base/a.cc | it is the clock\n"
        self.assertIn("needs no leave for sleep", self.errors("int x;\n", rules)[0])

    def test_no_reason(self):
        """A leave without a reason fails."""
        rules = BANS + "\nallow sleep | lib/base/a.cc |\n"
        self.assertIn("not a ban and not an allow line", self.errors("int x;\n", rules)[0])

    def test_folders(self):
        """A ban holds in the folders that it names and nowhere else."""
        self.assertEqual(self.errors("std::thread t(f);\n", path="tests/unit/a_test.cc"), [])
        self.assertEqual(len(self.errors("std::thread t(f);\n", path="examples/a.cc")), 1)


tap.main()
