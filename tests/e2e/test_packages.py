"""What is installed, by `cmake --install` and by the Debian packages, which are made of it. Their life under a systemd is tests/e2e/systemd's."""
import gzip
import os
import subprocess

import pytest

from lab.node import BUILD, ROOT

PROGRAMS = ("moenet-agent", "moenet-controlplane")


def build_packages(folder, **environment):
    subprocess.run([ROOT / "packaging/build_deb", BUILD, folder], check=True, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
    return {path.name.partition("_")[0]: path for path in folder.glob("*.deb")}


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    return build_packages(tmp_path_factory.mktemp("packages"))


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def installed(folder, *arguments, destdir=None):
    environment = {**os.environ, **({"DESTDIR": str(destdir)} if destdir else {})}
    subprocess.run(["cmake", "--install", BUILD, *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    return files_below(folder)


def test_a_prefix_gets_everything_and_units_that_name_it(tmp_path):
    prefix = tmp_path / "opt/moenet"
    files = installed(prefix, "--prefix", prefix)
    for program in PROGRAMS:
        assert {f"bin/{program}", f"lib/systemd/system/{program}.service", f"share/man/man8/{program}.8", f"share/man/man5/{program}.5",
                f"share/bash-completion/completions/{program}", f"share/zsh/site-functions/_{program}",
                f"share/fish/vendor_completions.d/{program}.fish", f"share/doc/{program}/copyright", f"share/doc/{program}/operations.md",
                f"share/doc/{program}/migrating.md", f"share/doc/{program}/examples/config.json"} <= files
        unit = (prefix / f"lib/systemd/system/{program}.service").read_text()
        assert f"ExecStart={prefix}/bin/{program} " in unit and f"file:{prefix}/share/doc/{program}/operations.md" in unit
        assert "/usr/" not in unit
        assert "GNU GENERAL PUBLIC LICENSE" in (prefix / f"share/doc/{program}/copyright").read_text()
        done = subprocess.run([prefix / "bin" / program, "--version"], stdout=subprocess.PIPE, text=True, check=True)
        assert done.stdout.startswith(program + " ")
    assert {"share/moenet-agent/grafana/moenet-agent.json", "share/moenet-agent/prometheus/moenet-agent.rules.yml",
            "share/doc/moenet-agent/examples/bird.conf"} <= files


def test_destdir_holds_the_prefix_and_nothing_is_written_elsewhere(tmp_path):
    stage, prefix = tmp_path / "stage", tmp_path / "prefix"
    files = installed(stage, "--prefix", prefix, "--component", "moenet-agent", destdir=stage)
    inside = prefix.as_posix().lstrip("/")
    assert f"{inside}/bin/moenet-agent" in files and all(file.startswith(inside + "/") for file in files)
    assert not any("moenet-controlplane" in file for file in files), "a component is one program"
    assert not prefix.exists()
    assert f"ExecStart={prefix}/bin/moenet-agent " in (stage / inside / "lib/systemd/system/moenet-agent.service").read_text()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_package_holds_what_cmake_installs(packages, tmp_path, program):
    subprocess.run(["dpkg-deb", "-x", packages[program], tmp_path / "package"], check=True)
    files = installed(tmp_path / "stage", "--prefix", "/usr", "--component", program, destdir=tmp_path / "stage")
    assert {file.removesuffix(".gz") for file in files_below(tmp_path / "package")} == files
    for section in "58":
        page = gzip.decompress((tmp_path / f"package/usr/share/man/man{section}/{program}.{section}.gz").read_bytes())
        assert page == (tmp_path / f"stage/usr/share/man/man{section}/{program}.{section}").read_bytes()
    modes = {path.stat().st_mode & 0o7777 for path in (tmp_path / "package/usr").rglob("*") if path.is_dir()}
    assert modes == {0o755}


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_example_is_a_sound_configuration(packages, tmp_path, program):
    subprocess.run(["dpkg-deb", "-x", packages[program], tmp_path], check=True)
    example = tmp_path / f"usr/share/doc/{program}/examples/config.json"
    done = subprocess.run([tmp_path / "usr/bin" / program, "-c", example, "check-config"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "MOENET_CP_TOKEN": "a-token-for-the-check"})
    assert done.returncode == 0 and "ignored" not in done.stdout, done.stdout


def test_the_same_programs_give_the_same_packages(packages, tmp_path):
    """Whoever makes them, where and when: other umask, time zone, language, folder for temporary files."""
    (tmp_path / "tmp").mkdir()
    umask = os.umask(0o077)
    try:
        again = build_packages(tmp_path / "again", TZ="Asia/Tokyo", LC_ALL="C.UTF-8", TMPDIR=str(tmp_path / "tmp"))
    finally:
        os.umask(umask)
    assert {name: path.read_bytes() for name, path in again.items()} == {name: path.read_bytes() for name, path in packages.items()}
    assert sorted(packages) == sorted(PROGRAMS)
