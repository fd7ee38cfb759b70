# The README's commands. Everything goes into .venv, which is made on first use; nothing else on the machine changes.
PYTHON ?= python3
DEMO_ARGS ?= --world intersection --robots 6 --seed 1 --record runs

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PACKAGING := pyproject.toml setup.py package.xml CMakeLists.txt ewm_ros/__init__.py $(wildcard msg/*.msg)

# A ROS 2 sourced in this shell would be mixed with the one in .venv.
unexport PYTHONPATH LD_LIBRARY_PATH AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH RMW_IMPLEMENTATION
unexport _ROS_WHEELS_BOOTSTRAP_COMPLETE

.PHONY: help demo gallery test lint venv venv-test clean
.DEFAULT_GOAL := help

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: venv ## simulated robots at an intersection, on real ROS 2, recorded
	$(BIN)/ewm demo $(DEMO_ARGS)

gallery: venv ## draw the pictures of all worlds in the README again
	mkdir -p docs/media/worlds
	for file in worlds/*.yaml; do world=$$(basename $$file .yaml); \
		$(BIN)/ewm render $$world --seconds 12 --out docs/media/worlds/$$world.png || exit 1; done

# One process more than there are cores, for many tests wait for real nodes; more would make those late.
TEST_PROCESSES := $(shell cores=$$(getconf _NPROCESSORS_ONLN); echo $$((cores < 4 ? cores + 1 : 4)))

test: lint ## lint, then all tests but the long campaigns, on up to four cores
	$(BIN)/python -m pytest -n $(TEST_PROCESSES)

lint: venv-test ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/mypy ewm_ros

venv: $(VENV)/.demo-installed ## install what the demo needs

venv-test: $(VENV)/.test-installed ## install what the tests need too

clean: ## remove all that these commands made, except recorded runs
	rm -rf $(VENV) build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -rf ewm_ros/msg ewm_ros/*.so ewm_ros/*.c

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo-installed: $(PACKAGING) | $(BIN)/pip
	@echo "Installing into $(VENV): some minutes the first time."
	$(PIP) install --quiet --editable '.[ros,sim]'
	@touch $@

$(VENV)/.test-installed: $(PACKAGING) | $(BIN)/pip
	@echo "Installing into $(VENV): some minutes the first time."
	$(PIP) install --quiet --editable '.[ros,sim,dev]'
	@touch $@ $(VENV)/.demo-installed
