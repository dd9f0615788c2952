#!/usr/bin/env python3
"""tools/check_layers goes red for each rule it holds, and names the place."""

import importlib.machinery
import importlib.util
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent / "tools" / "check_layers"
LOADER = importlib.machinery.SourceFileLoader("check_layers", str(TOOL))
check_layers = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_layers", LOADER))
sys.dont_write_bytecode = True
LOADER.exec_module(check_layers)
TABLE = """
moenet_layer(base LIBS fmt::fmt)
moenet_layer(model USES base LIBS Boost::json)
moenet_layer(net USES base)
moenet_layer(http USES base)
moenet_layer(bird USES base model)
moenet_layer(controlplane USES base model http LIBS soci)
"""


class CheckLayers(unittest.TestCase):
    def on_tree(self, files, table, use):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in {"CMakeLists.txt": table, "base/result.h": "#pragma once\n", **files}.items():
                path = root / "src" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return use(root)

    def assert_red(self, place, files, table=TABLE):
        self.assertIn(place, "\n".join(self.on_tree(files, table, check_layers.check)))

    def run_on(self, files, table=TABLE):
        command = [sys.executable, str(TOOL)]
        return self.on_tree(files, table, lambda root: subprocess.run(command + [str(root)], capture_output=True, text=True, check=False))

    def test_exits_1_and_says_where(self):
        result = self.run_on({"net/link.h": '#include "model/session.h"\n'})
        self.assertEqual(result.returncode, 1)
        self.assertIn("src/net/link.h:1:", result.stderr)

    def test_is_green_where_all_is_allowed(self):
        result = self.run_on({
            "model/session.h": '#pragma once\n#include <boost/json.hpp>\n#include "base/result.h"\n',
            "bird/render.cpp": '#include <string>\n#include "model/session.h"\n#include "build_version.h"\n',
            "controlplane/store_sqlite.cpp": "#include <soci/soci.h>\n",
        })
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_names_file_and_line_of_a_forbidden_layer(self):
        self.assert_red("src/net/link.cpp:2: #include of model/session.h: layer net may not use layer model",
                        {"net/link.cpp": '#include <string>\n  #  include "model/session.h"\n'})

    def test_a_layer_may_be_used_in_part(self):
        table = TABLE.replace("controlplane USES base model http", "controlplane USES base model http bird")
        headers = {f"bird/{name}.h": "#pragma once\n" for name in ("client", "policy")}
        self.assert_red("src/controlplane/x.cpp:1: #include of bird/client.h: layer controlplane may use bird/",
                        {**headers, "controlplane/x.cpp": '#include "bird/client.h"\n'}, table)
        result = self.run_on({**headers, "controlplane/x.cpp": '#include "bird/policy.h"\n'}, table)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_base_uses_nobody(self):
        self.assert_red("src/base/log.h:1:", {"base/log.h": '#include "net/link.h"\n'})

    def test_third_party_headers_stay_in_their_folder(self):
        for header, place in [("curl/curl.h", "net/x.cpp"), ("microhttpd.h", "controlplane/x.cpp"), ("libmnl/libmnl.h", "http/x.cpp"),
                              ("linux/rtnetlink.h", "bird/x.cpp"), ("soci/soci.h", "controlplane/api.cpp"),
                              ("sqlite3.h", "base/x.cpp"), ("sodium.h", "net/x.cpp"), ("boost/json/fwd.hpp", "http/x.h"),
                              ("systemd/sd-daemon.h", "base/x.cpp"), ("spdlog/spdlog.h", "net/x.cpp"),
                              ("gtest/gtest.h", "base/x.cpp")]:
            with self.subTest(header=header):
                self.assert_red(f"src/{place}:1: #include of {header}", {place: f"#include <{header}>\n"})

    def test_pure_layers_have_no_threads_files_or_sockets(self):
        for header in ["thread", "fstream", "sys/socket.h", "mutex"]:
            with self.subTest(header=header):
                self.assert_red("src/model/x.h:1:", {"model/x.h": f"#include <{header}>\n"})

    def test_finds_layers_that_go_round(self):
        self.assert_red("circle: a -> b -> a", {"base/result.h": ""}, "moenet_layer(base)\nmoenet_layer(a USES b)\nmoenet_layer(b USES a)\n")

    def test_finds_headers_that_include_each_other(self):
        self.assert_red("base/a.h -> base/b.h -> base/a.h",
                        {"base/a.h": '#include "base/b.h"\n', "base/b.h": '#include "base/a.h"\n'})

    def test_a_folder_without_a_layer_is_an_offence(self):
        self.assert_red("src/util/x.cpp:1: util is no layer", {"util/x.cpp": "int x;\n"})

    def test_a_header_is_named_from_src(self):
        self.assert_red("src/base/x.cpp:1:", {"base/x.cpp": '#include "result.h"\n'})

    def test_without_a_table_it_fails(self):
        self.assertEqual(self.run_on({}, "# nothing\n").returncode, 2)


if __name__ == "__main__":
    unittest.main()
