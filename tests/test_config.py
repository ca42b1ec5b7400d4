"""The configuration is read strictly, described in full, and changed without touching the rest."""

import contextlib
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagineerd import link
from imagineerd.config import (
    MAX_SOCKET_PATH,
    Config,
    Paths,
    Setting,
    as_plain,
    config_notes,
    default_config,
    describe,
    devices_of,
    find_paths,
    get_value,
    hardware_of,
    load_config,
    needs_restart,
    private_dir,
    set_value,
)
from imagineerd.errors import Denied, DiskError, ImagineerError, Invalid

EXAMPLES = Path(__file__).parent / "data" / "config"
NAMED = find_paths({"HOME": "/home/ada", "IMAGINEER_RUNTIME_DIR": "/run/i"})
SETTINGS = {setting.key: setting for setting in describe(NAMED)}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return paths_in(tmp_path)


def paths_in(home: Path) -> Paths:
    return find_paths({"HOME": str(home), "IMAGINEER_RUNTIME_DIR": "/run/i"})


def write(paths: Paths, text: str) -> None:
    paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    paths.config_file.write_bytes(text.encode())


def read(paths: Paths) -> str:
    return paths.config_file.read_bytes().decode()


def complaints(paths: Paths, text: str) -> list[tuple[int, str, str]]:
    """Load the text and return (line, key, message) of everything that is wrong with it."""
    write(paths, text)
    with pytest.raises(Invalid) as caught:
        load_config(paths)
    assert {problem.file for problem in caught.value.problems} == {str(paths.config_file)}
    return [(problem.row, problem.key, problem.message) for problem in caught.value.problems]


def complaint_about(change: Callable[[], object]) -> str:
    with pytest.raises(ImagineerError) as caught:
        change()
    return caught.value.message


# ---------------------------------------------------------------- paths


def test_without_any_variable_the_paths_follow_the_xdg_defaults(tmp_path: Path) -> None:
    paths = find_paths({"HOME": str(tmp_path), "TMPDIR": "/tmp"})  # noqa: S108

    assert paths.config_file == tmp_path / ".config" / "imagineer" / "config.yaml"
    assert paths.data_dir == tmp_path / ".local" / "share" / "imagineer"
    assert paths.runtime_dir == Path(f"/tmp/imagineer-{os.getuid()}")  # noqa: S108


def test_xdg_variables_move_the_paths(tmp_path: Path) -> None:
    environ = {
        "HOME": "/home/ada",
        "XDG_CONFIG_HOME": "/etc/xdg",
        "XDG_DATA_HOME": "/srv",
        "XDG_RUNTIME_DIR": str(tmp_path),
    }
    paths = find_paths(environ)

    assert paths.config_file == Path("/etc/xdg/imagineer/config.yaml")
    assert paths.data_dir == Path("/srv/imagineer")
    assert paths.runtime_dir == tmp_path / "imagineer"


def test_our_own_variables_come_before_the_xdg_ones() -> None:
    environ = {
        "HOME": "/home/ada",
        "XDG_CONFIG_HOME": "/etc/xdg",
        "IMAGINEER_CONFIG": "~/deck.yaml",
        "IMAGINEER_DATA_DIR": "/data",
        "IMAGINEER_RUNTIME_DIR": "/run/i",
    }
    paths = find_paths(environ)

    assert paths.config_file == Path("/home/ada/deck.yaml")
    assert (paths.data_dir, paths.runtime_dir) == (Path("/data"), Path("/run/i"))


def test_a_relative_variable_starts_where_we_run_and_a_relative_xdg_one_is_ignored() -> None:
    paths = find_paths({"HOME": "/h", "IMAGINEER_DATA_DIR": "here", "XDG_CONFIG_HOME": "there"})

    assert paths.data_dir == Path.cwd() / "here"
    assert paths.config_file == Path("/h/.config/imagineer/config.yaml")


def test_a_session_folder_that_is_gone_gives_way_to_that_of_systemd(tmp_path: Path) -> None:
    environ = {
        "HOME": "/home/ada",
        "XDG_RUNTIME_DIR": str(tmp_path / "gone"),
        "RUNTIME_DIRECTORY": "/run/imagineer:/run/other",
    }

    assert find_paths(environ).runtime_dir == Path("/run/imagineer")


def test_without_a_home_variable_the_password_database_is_asked() -> None:
    assert find_paths({"IMAGINEER_RUNTIME_DIR": "/run/i"}).home.is_absolute()


def test_the_home_of_somebody_else_is_refused_with_the_variable_that_names_it() -> None:
    message = complaint_about(lambda: find_paths({"HOME": "/h", "IMAGINEER_DATA_DIR": "~bob/x"}))

    assert message == '$IMAGINEER_DATA_DIR: Write out the home folder that "~bob" stands for.'


def test_files_and_sockets_have_their_place() -> None:
    assert NAMED.ctl_socket == Path("/run/i/ctl.sock")
    assert NAMED.blob_socket == Path("/run/i/blob.sock")
    assert {NAMED.database.parent, NAMED.lock_file.parent, NAMED.log_file.parent} == {NAMED.data_dir}


def test_what_ships_with_imagineer_is_found() -> None:
    assert (NAMED.builtin_sets / "config.yaml").is_file()
    assert (NAMED.starter_model / "model_index.json").is_file()


@pytest.mark.parametrize("letter", ["a", "ö"])
def test_the_longest_socket_path_is_the_longest_that_the_system_takes(letter: str) -> None:
    room = MAX_SOCKET_PATH - len("/nowhere//blob.sock")
    name = letter * (room // len(letter.encode()))
    name += "x" * (room - len(name.encode()))
    environ = {"HOME": "/h", "IMAGINEER_RUNTIME_DIR": f"/nowhere/{name}"}

    longest = find_paths(environ).blob_socket
    environ["IMAGINEER_RUNTIME_DIR"] += "x"
    message = complaint_about(lambda: find_paths(environ))

    with socket.socket(socket.AF_UNIX) as client, pytest.raises(FileNotFoundError):
        client.connect(str(longest))
    assert "has 108 bytes and the system allows 107: set $IMAGINEER_RUNTIME_DIR" in message


def test_a_private_folder_is_created_for_us_alone(tmp_path: Path) -> None:
    private_dir(tmp_path / "a" / "b")

    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_an_existing_folder_is_taken_as_it_is_where_only_we_can_create_one(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir(mode=0o755)
    (tmp_path / "data").symlink_to(tmp_path / "disk")

    private_dir(tmp_path / "data")

    assert stat.S_IMODE((tmp_path / "disk").stat().st_mode) == 0o755


def test_a_folder_prepared_by_others_is_refused_where_anyone_may_create_one(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    private_dir(tmp_path / "mine")
    private_dir(tmp_path / "mine")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o750)

    with pytest.raises(Denied, match="/link is a link: remove it"):
        private_dir(tmp_path / "link")
    with pytest.raises(Denied, match="/open is open to other users: remove it"):
        private_dir(tmp_path / "open")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    (tmp_path / "his").mkdir(mode=0o700)
    os.chown(tmp_path / "his", 65534, 65534)

    with pytest.raises(Denied, match="belongs to another user"):
        private_dir(tmp_path / "his")


def test_a_file_in_the_place_of_a_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")

    with pytest.raises(DiskError, match="cannot be created"):
        private_dir(tmp_path / "x")


# ---------------------------------------------------------------- reading


def test_a_missing_file_means_defaults(paths: Paths) -> None:
    config = load_config(paths)

    assert config == default_config(paths)
    assert config.output.directory == paths.data_dir / "outputs"
    assert config.sets.directory == paths.config_file.parent / "sets"
    assert (config.model.default, config.generation.steps) == ("starter", None)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "null\n", "generation:\n", "{}"])
def test_an_empty_file_means_defaults(paths: Paths, text: str) -> None:
    write(paths, text)

    assert load_config(paths) == default_config(paths)


def test_the_predecessors_file_loads_unchanged(paths: Paths) -> None:
    write(paths, (EXAMPLES / "predecessor.yaml").read_text())
    config = load_config(paths)

    assert config.model.default == "stable-diffusion-v1-5/stable-diffusion-v1-5"
    assert config.model.cache_dir == Path("/srv/imagineer/models")
    assert config.generation.negative_prompt == "blurry, low quality, ..."
    assert (config.generation.steps, config.generation.guidance_scale) == (25, 8.0)
    assert (config.training.learning_rate, config.training.alpha) == (1e-4, 8.0)
    assert (config.hardware.device, config.hardware.enable_attention_slicing) == ("cuda", True)


def test_the_predecessors_file_is_remarked_upon_where_its_meaning_changed(paths: Paths) -> None:
    write(paths, (EXAMPLES / "predecessor.yaml").read_text())

    assert [(note.row, note.key) for note in config_notes(paths)] == [
        (2, "model.default"),
        (16, "output.save_metadata"),
        (35, "hardware.enable_xformers"),
    ]


def test_every_problem_is_reported_at_once_with_its_line(paths: Paths) -> None:
    text = (
        "generaton:\n  steps: 3\n"
        "generation:\n  stepz: 3\n  width: 500\n  steps: lots\n  steps: 4\n  threads: 2\n"
        "hardware: fast\nsteps: 5\n"
    )

    assert complaints(paths, text) == [
        (1, "generaton", 'There is no section of this name. Did you mean "generation"?'),
        (7, "generation.steps", "This is written twice, first on line 6: keep one."),
        (4, "generation.stepz", 'There is no key of this name. Did you mean "steps"?'),
        (
            5,
            "generation.width",
            "Expected a whole number from 64 to 2,048, divisible by 8, not 500.",
        ),
        (
            6,
            "generation.steps",
            'Expected a whole number from 1 to 150, or null, not the text "lots".',
        ),
        (
            8,
            "generation.threads",
            'There is no key of this name. Did you mean "hardware.threads"?',
        ),
        (
            9,
            "hardware",
            'Expected a section of keys, not the text "fast": indent them below.',
        ),
        (10, "steps", 'There is no section of this name. Did you mean "generation.steps"?'),
    ]


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("generation.steps", "0", "Expected a whole number from 1 to 150, or null, not 0."),
        ("generation.steps", "2.0", "Expected a whole number from 1 to 150, or null, not 2.0."),
        (
            "generation.width",
            "",
            "Expected a whole number from 64 to 2,048, divisible by 8, not nothing.",
        ),
        ("generation.guidance_scale", ".nan", "Expected a number from 0 to 30, or null, not .nan."),
        ("generation.scheduler", "eular", 'Did you mean "euler"?'),
        ("generation.negative_prompt", "7", "not 7. Put it in quotes."),
        (
            "generation.negative_prompt",
            "[a, b]",
            "Expected a text of at most 2000 characters, not a list.",
        ),
        ("model.offline", '"yes"', 'Expected true or false, not the text "yes".'),
        ("model.default", '""', "Expected a model's name, Hugging Face id or path"),
        ("hardware.device", "gpu", "Expected auto, or one or more of cuda, cuda:N, mps and cpu with commas"),
        ("hardware.threads", "2020-13-45", "Expected a whole number from 0 to 1,024"),
        ("hardware.threads", "!!python/name:os.x 1", "Expected a whole number from 0 to 1,024"),
        ("output.directory", '""', 'Expected a path, not the text "".'),
        ("output.directory", '"a\\0b"', "Expected a path"),
        ("output.directory", "~bob/x", 'Write out the home folder that "~bob" stands for.'),
        ("listen.tcp", "5757", "Expected a numeric address and a port, such as 192.168.1.7:5757"),
        ("listen.tcp", "tcp://127.0.0.1:5757", "Expected a numeric address and a port"),
        ("listen.tcp", "localhost:5757", "Expected a numeric address and a port"),
        ("listen.tcp", "256.0.0.1:5757", "Expected a numeric address and a port"),
        ("listen.tcp", "127.0.0.1:65535", "Expected a numeric address and a port"),
        ("listen.tcp", "127.0.0.1:0", "Expected a numeric address and a port"),
        (
            "daemon.log_level",
            "{a: 1}",
            "one of debug, info, warning, error, not a section",
        ),
    ],
)
def test_a_wrong_value_is_told_what_is_taken(paths: Paths, key: str, value: str, sentence: str) -> None:
    section, name = key.split(".")

    [(row, where, message)] = complaints(paths, f"{section}:\n  {name}: {value}\n")

    assert (row, where) == (2, key)
    assert sentence in message


@pytest.mark.parametrize(
    ("text", "row", "sentence"),
    [
        ("model:\n  default: [\n", 3, "This is not YAML"),
        ("model:\n\tdefault: x\n", 2, "Indent with spaces, not with tabs."),
        ("model: {}\nmodel: &a *b\n", 2, "This is not YAML"),
        ("a: 1\n---\nb: 2\n", 2, "This is not YAML"),
        ("model:\n  default: \x07\n", 2, "may not stand in YAML"),
        ("- model\n", 1, "This file must be sections of keys"),
        ("[" * 5000, 0, "nested too deeply"),
    ],
)
def test_what_is_not_a_configuration_is_told_where(paths: Paths, text: str, row: int, sentence: str) -> None:
    [(found, _, message)] = complaints(paths, text)

    assert found == row
    assert sentence in message


def test_a_file_in_another_encoding_is_told_where(paths: Paths) -> None:
    paths.config_file.parent.mkdir(parents=True)
    paths.config_file.write_bytes("model:\n  default: ö\n".encode("latin-1"))

    with pytest.raises(Invalid, match="line 2: This is not UTF-8 text"):
        load_config(paths)


def test_a_folder_in_the_place_of_the_file_is_one_sentence(paths: Paths) -> None:
    paths.config_file.mkdir(parents=True)

    with pytest.raises(Invalid, match="cannot be read \\(Is a directory\\)"):
        load_config(paths)


def test_paths_start_at_the_files_folder_or_at_home(paths: Paths) -> None:
    folders = ["output: {directory: ../decks}", "sets: {directory: ~/sets}"]
    write(paths, "\n".join([*folders, 'loras: {directory: "~"}']))
    config = load_config(paths)

    assert config.output.directory == paths.config_file.parent / "../decks"
    assert (config.sets.directory, config.loras.directory) == (paths.home / "sets", paths.home)


def messages(paths: Paths) -> list[str]:
    """Return the sentences of a reading, none where the file is right."""
    try:
        load_config(paths)
    except Invalid as error:
        return [problem.message for problem in error.problems]
    return []


WORDS = ["model", "generation", "steps", "default", ":", ": ", "\n", "\n  ", "3", "x", "{", "}"]
WORDS += ["[", "]", "&a ", "*a", "!t ", "|", '"', "'", "#", "- ", "? ", "%", "\t", "~", "1e9", "<<"]


@given(st.text(max_size=100) | st.lists(st.sampled_from(WORDS), max_size=20).map("".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_is_read_or_refused_with_sentences(tmp_path: Path, text: str) -> None:
    paths = paths_in(tmp_path)
    write(paths, text)

    assert all(message.endswith((".", "?")) for message in messages(paths))


# ---------------------------------------------------------------- describing


def test_every_setting_is_described(paths: Paths) -> None:
    for setting in describe(paths):
        assert setting.description.endswith("."), setting.key
        assert setting.words, setting.key
        assert setting.optional or setting.default is not None, setting.key


def test_every_default_is_itself_a_value_that_is_taken(paths: Paths) -> None:
    write(paths, msgspec.yaml.encode(as_plain(default_config(paths))).decode())

    assert load_config(paths) == default_config(paths)


def test_a_description_has_the_range_and_the_default() -> None:
    assert SETTINGS["generation.steps"] == Setting(
        key="generation.steps",
        kind="int",
        words="a whole number from 1 to 150, or null",
        description="Sampler steps; null means the model's own default.",
        optional=True,
        minimum=1,
        maximum=150,
    )
    assert SETTINGS["generation.width"].multiple_of == 8
    assert SETTINGS["daemon.log_level"].choices == ("debug", "info", "warning", "error")
    assert SETTINGS["sets.directory"].default == "/home/ada/.config/imagineer/sets"


def test_values_are_plain_and_can_be_sent(paths: Paths) -> None:
    plain = as_plain(load_config(paths))

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(plain)) == plain
    assert plain["output"]["directory"] == str(paths.data_dir / "outputs")
    assert [f"{section}.{name}" for section, values in plain.items() for name in values] == list(SETTINGS)


def test_a_value_is_found_by_its_key(paths: Paths) -> None:
    config = default_config(paths)

    assert get_value(config, "daemon.queue_limit") == 100_000
    with pytest.raises(Invalid, match=r'Did you mean "generation\.steps"') as caught:
        get_value(config, "generation.step")
    assert caught.value.field == "key"


def test_what_the_worker_and_the_sockets_are_told_once_waits_for_a_restart() -> None:
    waiting = {key for key in SETTINGS if needs_restart(key)}

    assert {"hardware.device", "model.cache_dir", "generation.batch_size", "daemon.hang_s"} <= waiting
    assert not waiting & {"generation.steps", "output.directory", "sets.directory", "model.default"}
    assert waiting == {setting.key for setting in SETTINGS.values() if setting.restart}


def test_the_worker_gets_the_hardware_section(paths: Paths) -> None:
    write(paths, "hardware: {device: 'cuda:1', enable_cpu_offload: yes, threads: 4}\n")

    assert hardware_of(load_config(paths)) == link.Hardware("cuda:1", cpu_offload=True, threads=4, compile=True)


@pytest.mark.parametrize(
    ("device", "devices"),
    [("auto", ("auto",)), ("cuda:1", ("cuda:1",)), ("cuda:0, cuda:1", ("cuda:0", "cuda:1")), ("cpu,cpu", ("cpu",) * 2)],
)
def test_each_device_that_is_named_is_one_of_a_worker(paths: Paths, device: str, devices: tuple[str, ...]) -> None:
    write(paths, f"hardware: {{device: '{device}'}}\n")

    assert devices_of(load_config(paths)) == devices


def test_auto_stands_alone(paths: Paths) -> None:
    assert complaints(paths, "hardware: {device: 'auto, cpu'}\n")


# ---------------------------------------------------------------- changing


def values_for(setting: Setting) -> st.SearchStrategy[object]:
    """Return what a setting takes, as Python values."""
    match setting.kind:
        case "bool":
            some: st.SearchStrategy[object] = st.booleans()
        case "int":
            step = int(setting.multiple_of or 1)
            low, high = int(setting.minimum or 0), int(setting.maximum or 0)
            some = st.integers(-(-low // step), high // step).map(lambda value: value * step)
        case "float":
            some = st.floats(setting.minimum, setting.maximum)
        case "choice":
            some = st.sampled_from(setting.choices)
        case "path":
            some = st.text("ab ö#:'/", min_size=1, max_size=20).map(lambda text: f"/{text}")
        case _ if setting.key == "listen.tcp":
            some = st.sampled_from(["127.0.0.1:5757", "0.0.0.0:1", "[::1]:65534"])
        case _ if setting.key == "hardware.device":
            some = st.sampled_from(["auto", "cuda", "cuda:3", "mps", "cpu", "cuda:0, cuda:1", "cpu,cpu"])
        case _:
            some = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)
    return st.none() | some if setting.optional else some


CHANGES = st.sampled_from(list(SETTINGS.values())).flatmap(
    lambda setting: st.tuples(st.just(setting), values_for(setting))
)
FILES = st.sampled_from(
    [
        "",
        "# only a remark",
        (EXAMPLES / "commented.yaml").read_text(),
        (EXAMPLES / "predecessor.yaml").read_text(),
        (EXAMPLES / "commented.yaml").read_text().replace("\n", "\r\n"),
        (EXAMPLES / "predecessor.yaml").read_text().rstrip("\n"),
        "generation:  # all by default\n\n# end",
        "generation: ~  # all by default\n",
        "hardware: {\n  mixed_precision: no,\n}\nmodel: {}",
    ]
)
QUICK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)


def remarks(text: str) -> list[str]:
    return [line.partition("#")[2].strip() for line in text.splitlines() if "#" in line]


def as_text(value: object) -> str:
    return msgspec.json.encode(value).decode()


@given(FILES, CHANGES)
@QUICK
def test_a_value_that_was_set_is_there_and_nothing_else_has_changed(
    tmp_path: Path, before: str, change: tuple[Setting, object]
) -> None:
    paths = paths_in(tmp_path)
    write(paths, before)
    setting, value = change
    old = as_plain(load_config(paths))

    config = set_value(paths, setting.key, as_text(value))

    assert config == load_config(paths)
    section, name = setting.key.split(".")
    new = as_plain(config)
    expected = str(Path(str(value))) if setting.kind == "path" and value is not None else value
    assert new[section].pop(name) == expected
    old[section].pop(name)
    assert new == old
    assert [remark for remark in remarks(before) if remark in read(paths)] == remarks(before)


@given(FILES, CHANGES)
@QUICK
def test_a_value_that_was_set_and_removed_is_the_default_again(
    tmp_path: Path, before: str, change: tuple[Setting, object]
) -> None:
    paths = paths_in(tmp_path)
    write(paths, before)
    setting, value = change

    set_value(paths, setting.key, as_text(value))
    config = set_value(paths, setting.key, None)

    assert get_value(config, setting.key) == get_value(default_config(paths), setting.key)
    assert load_config(paths) == config


def test_only_the_value_itself_is_rewritten(paths: Paths) -> None:
    before = (EXAMPLES / "commented.yaml").read_text()
    write(paths, before)

    set_value(paths, "generation.steps", "20")

    assert read(paths) == before.replace("steps:   12 ", "steps:   20 ")


def test_a_new_key_goes_below_the_last_of_its_section(paths: Paths) -> None:
    before = (EXAMPLES / "commented.yaml").read_text()
    write(paths, before)

    set_value(paths, "generation.scheduler", "euler")
    set_value(paths, "hardware.mixed_precision", "false")
    set_value(paths, "output.directory", "~/decks")
    set_value(paths, "daemon.hang_s", "60")

    after = before.replace("low quality\n", 'low quality\n    scheduler: "euler"\n')
    after = after.replace("{device", "{mixed_precision: false, device")
    after = after.replace("output:\n", 'output:\n  directory: "~/decks"\n')
    assert read(paths) == after + "daemon:\n  hang_s: 60\n"


def test_a_removed_key_takes_its_line_along_and_no_other(paths: Paths) -> None:
    before = (EXAMPLES / "commented.yaml").read_text()
    write(paths, before)

    set_value(paths, "generation.guidance_scale", None)
    set_value(paths, "generation.negative_prompt", None)
    set_value(paths, "hardware.threads", None)
    set_value(paths, "hardware.device", None)
    set_value(paths, "training.rank", None)

    after = before.replace("    guidance_scale: 6.5\n", "")
    after = after.replace("    negative_prompt: >-\n        blurry,\n        low quality\n", "")
    assert read(paths) == after.replace("{device: cpu, threads: 2}", "{}")


def test_the_first_change_makes_the_file_and_its_folder(paths: Paths) -> None:
    set_value(paths, "generation.steps", "7")

    assert read(paths) == "generation:\n  steps: 7\n"
    assert list(paths.config_file.parent.iterdir()) == [paths.config_file]


def test_removing_what_is_not_there_makes_no_file(paths: Paths) -> None:
    assert set_value(paths, "generation.steps", None) == default_config(paths)
    assert not paths.config_file.exists()


def test_a_wrong_value_leaves_the_file_alone(paths: Paths) -> None:
    write(paths, "generation:\n  steps: 7\n")

    message = complaint_about(lambda: set_value(paths, "generation.steps", "700"))

    assert message == ("generation.steps: Expected a whole number from 1 to 150, or null, not 700.")
    assert read(paths) == "generation:\n  steps: 7\n"


def test_a_value_that_is_more_than_a_value_is_refused(paths: Paths) -> None:
    for text in ("a: b", "[1]", "a\n---\nb", '"', "*a"):
        with pytest.raises(Invalid, match=r"generation\.negative_prompt: "):
            set_value(paths, "generation.negative_prompt", text)


def test_an_unknown_key_is_refused_with_the_nearest(paths: Paths) -> None:
    message = complaint_about(lambda: set_value(paths, "generation.stesp", "7"))

    assert message == ('generation.stesp: There is no setting of this name. Did you mean "generation.steps"?')


def test_a_key_without_effect_can_be_removed_but_not_set(paths: Paths) -> None:
    write(paths, "hardware:\n  enable_xformers: true\n  threads: 1\n")

    assert "no effect" in complaint_about(lambda: set_value(paths, "hardware.enable_xformers", "true"))
    set_value(paths, "hardware.enable_xformers", None)

    assert read(paths) == "hardware:\n  threads: 1\n"
    assert config_notes(paths) == ()


def test_setting_the_one_wrong_key_mends_the_file(paths: Paths) -> None:
    write(paths, "generation:\n  steps: lots\n")

    assert set_value(paths, "generation.steps", "9").generation.steps == 9


def test_another_mistake_in_the_file_must_be_mended_first(paths: Paths) -> None:
    before = "generation:\n  stepz: 4\n  width: 512\n"
    write(paths, before)

    with pytest.raises(Invalid) as caught:
        set_value(paths, "generation.width", "500")

    assert [problem.key for problem in caught.value.problems] == [
        "generation.stepz",
        "generation.width",
    ]
    assert read(paths) == before


@pytest.mark.parametrize(
    "before",
    [
        "generation: {width: &size 512, height: *size}\n",
        "generation:\n  ? width\n  : 256\n",
        "{generation: {}}\n",
        "training:\n  rank: 4\n...\n",
    ],
)
def test_an_unusual_layout_is_changed_rightly_or_not_at_all(paths: Paths, before: str) -> None:
    write(paths, before)
    height = load_config(paths).generation.height

    with contextlib.suppress(Invalid):
        set_value(paths, "generation.width", "640")

    generation = load_config(paths).generation
    assert read(paths) == before or (generation.width, generation.height) == (640, height)


def test_a_layout_that_cannot_be_changed_is_to_be_edited_by_hand(paths: Paths) -> None:
    write(paths, "generation: {width: &size 512, height: *size}\n")

    message = complaint_about(lambda: set_value(paths, "generation.width", "640"))

    assert message.endswith("cannot be changed from here: edit it by hand.")


def test_a_file_that_is_a_link_stays_one_and_keeps_its_mode(paths: Paths, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.yaml"
    kept.write_text("# mine\n")
    kept.chmod(0o640)
    paths.config_file.parent.mkdir(parents=True)
    paths.config_file.symlink_to(kept)

    set_value(paths, "generation.steps", "7")

    assert paths.config_file.is_symlink()
    assert kept.read_text() == "# mine\ngeneration:\n  steps: 7\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_one_sentence(paths: Paths) -> None:
    write(paths, "")
    paths.config_file.chmod(0o400)

    with pytest.raises(Denied, match=r"You may not write .*config\.yaml"):
        set_value(paths, "generation.steps", "7")


def test_a_disk_that_takes_no_file_is_one_sentence() -> None:
    paths = find_paths({"IMAGINEER_CONFIG": "/proc/imagineer.yaml", "IMAGINEER_RUNTIME_DIR": "/r"})

    with pytest.raises(DiskError, match=r"imagineer\.yaml was not changed"):
        set_value(paths, "generation.steps", "7")


def test_the_configuration_loads_nothing_heavy() -> None:
    code = (
        "import sys, imagineerd.config, imagineerd.doctor;"
        "print(sorted({'torch', 'diffusers', 'docker', 'sqlite3'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=True)

    assert done.stdout.strip() == b"[]"


def test_a_configuration_is_frozen(paths: Paths) -> None:
    config: Config = load_config(paths)

    with pytest.raises(AttributeError):
        config.generation.steps = 3  # type: ignore[misc]
