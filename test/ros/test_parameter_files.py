"""The comments of the parameter files agree with the declared parameters: units, ranges, choices and names."""

import re
from dataclasses import dataclass

import pytest
import yaml

from action_images_ros.parameter import specs
from action_images_ros.paths import share_path
from action_images_ros.ros.node_parameters import NODE_PARAMETERS, allowed_names

FILES = [share_path("config/policy.yaml"), *sorted(share_path("config/robots").glob("*.yaml"))]
NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
# Units as comments write them.
UNIT = re.compile(r"(?<![\w/^])(?:m/s\^3|rad/s\^3|m/s\^2|rad/s\^2|m/s|rad/s|rad|m|s|Hz|px|N|kg)(?![\w/^])")


@dataclass(frozen=True)
class Block:
    """One comment and the keys below it, in their section."""

    section: str
    comment: str
    keys: tuple[str, ...]

    def specs(self):
        """The declarations of each key: those of the section's node, of every node in a section for all."""
        node = self.section.rsplit("/", 1)[-1]
        kinds = NODE_PARAMETERS[node] if node in NODE_PARAMETERS else {k for ks in NODE_PARAMETERS.values() for k in ks}
        return {key: [spec for kind in kinds for spec in specs(kind) if spec.name == key] for key in self.keys}


def blocks(path):
    section, comment, keys, done = "", [], [], []
    for line in [*path.read_text().splitlines(), "end:"]:
        text = line.strip()
        found = re.match(r"(\s*)([\w/*]+):", line)
        if (text.startswith("#") and keys) or (found and not found.group(1)):
            if keys:
                done.append(Block(section, " ".join(comment), tuple(keys)))
            comment, keys = [], []
        if text.startswith("#"):
            comment.append(text.lstrip("# "))
        elif found and not found.group(1):
            section, comment = found.group(2), []
        elif found and found.group(2) != "ros__parameters":
            keys.append(found.group(2))
    return done


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_key_of_a_file_has_a_comment(path):
    content = yaml.safe_load(path.read_text())
    keys = {(section, key) for section, body in content.items() for key in body["ros__parameters"]}
    assert {(block.section, key) for block in blocks(path) for key in block.keys if block.comment} == keys


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_units_of_a_comment_are_those_declared(path):
    for block in blocks(path):
        written = set(UNIT.findall(block.comment))
        declared = set()
        for key, found in block.specs().items():
            units = {unit for spec in found for unit in UNIT.findall(spec.unit)}
            assert not units or units & written, f"{block.section} {key} is in {units}; the comment says {written}"
            declared |= units
        assert written <= declared | {"m", "s", "Hz", "N"} or not declared, (
            block.section,
            block.keys,
            written,
            declared,
        )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_ranges_of_a_comment_are_those_declared(path):
    for block in blocks(path):
        found = [spec for specs_of_key in block.specs().values() for spec in specs_of_key]
        for low, high in re.findall(rf"({NUMBER})\.\.({NUMBER})", block.comment):
            assert any((spec.low, spec.high) == (float(low), float(high)) for spec in found), (block.keys, low, high)
        for sign, low in re.findall(rf"(>=?) ({NUMBER})", block.comment):
            lows = [spec.low for spec in found if spec.low is not None]
            assert any(at == float(low) if sign == ">=" else at > float(low) for at in lows), (block.keys, low)


def test_every_choice_is_named():
    for block in blocks(FILES[0]):
        for key, found in block.specs().items():
            assert not [choice for spec in found for choice in spec.choices if choice not in block.comment], key


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_parameters_that_a_comment_names_exist(path):
    for block in blocks(path):
        for name in re.findall(r"(?<![\w.])([a-z]+(?:_[a-z]+)+): (?:true|false|\d|auto)", block.comment):
            assert name in allowed_names(), (block.keys, name)
