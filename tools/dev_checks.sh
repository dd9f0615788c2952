# shellcheck shell=bash disable=SC2154,SC2034  # shares its variables with ./dev
# test, lint, soak and bench of ./dev. Sourced by it; expects $root, $jobs, step, setup, build_preset.

e2e_environment() {
  echo PYTHONDONTWRITEBYTECODE=1 MOENET_BUILD="$root/build/release" MOENET_BIRD2="$(bird 2)" MOENET_BIRD3="$(bird 3)" MOENET_LOGS="$root/build/e2e" ${MOENET_SOAK:+MOENET_SOAK=1}
}

# Twice as many at once as there are cores, a file each at a time: labs know nothing of each other, and most of their time is waiting.
run_e2e() {
  # shellcheck disable=SC2046,SC2086  # E2E and the environment are lists of words
  as_root env $(e2e_environment) /usr/bin/python3 -m pytest -p no:cacheprovider -q --tb=short -n "$((jobs * 2))" --dist loadscope "$@" ${E2E:-} tests/e2e
}

# shellcheck disable=SC2046  # the environment is a list of words
run_kernel_mesh() { env $(e2e_environment) tests/e2e/kernel_guest/mesh.sh; }

# The control plane's page in a browser, against the program as it ships.
run_page() { tests/web/run build/release/src/moenet-controlplane; }

# Types and form of the page and of its tests.
check_page() {
  tools/build_page src/controlplane/web build/web build/web/lint.cpp
  (cd build/web && npm run --silent check && npx --no-install prettier --check --config .prettierrc.json src ../../tests/web/*.mjs ../../tests/web/lab/*.mjs)
}

run_ctest() {
  local preset=$1
  shift
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$jobs" "$@"
}

# What ships, and what the end to end tests and the demo run.
programs=(moenet-agent moenet-controlplane)

# The layers that have threads or share memory between them; the others are pure.
threaded=(base net http bird agent controlplane simulation)

# The preset asan builds unit tests and fuzz targets alike, so that the libraries are compiled once for both; soak, which fuzzes only,
# builds the preset fuzz.
fuzz_build=asan
fuzz_targets() { find "build/$fuzz_build/fuzz" -maxdepth 1 -type f -name 'fuzz_*' -perm -u+x 2>/dev/null | sort; }

# fuzz_one SECONDS TARGET: from its corpus in fuzz/corpus/NAME; what it finds new stays in build/fuzz/corpus/.
fuzz_one() {
  local seconds=$1 target=$2 name work
  name=$(basename "$target" | sed 's/^fuzz_//')
  work=build/fuzz/corpus/$name
  mkdir -p "$work"
  set -- "$work"
  [ ! -d "fuzz/corpus/$name" ] || set -- "$@" "fuzz/corpus/$name"
  "$target" -max_total_time="$seconds" ${SEED:+-seed="$SEED"} -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/$name-" "$@" >"build/log/fuzz-$name.log" 2>&1 ||
    { tail -n 40 "build/log/fuzz-$name.log"; echo "fuzz target $name failed; the input is in build/fuzz/$name-*"; return 1; }
  echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build/log/fuzz-$name.log") inputs in $seconds s"
}

# fuzz_all SECONDS: every target for so long, as many at once as there are cores.
fuzz_all() {
  local targets
  mapfile -t targets < <(fuzz_targets)
  [ ${#targets[@]} -gt 0 ] || { echo "no fuzz target was built"; return 1; }
  export -f fuzz_one
  printf '%s\0' "${targets[@]}" | xargs -0 -P "$jobs" -I {} bash -c 'fuzz_one "$@"' fuzz_one "$1" {}
  echo "dev-says: ${#targets[@]} targets, $1 s each"
}

shell_scripts() {
  git ls-files --cached --others --exclude-standard | while read -r file; do
    [ -f "$file" ] && head -c 64 "$file" | head -n 1 | tr -d '\0' | grep -qE '^#!.*\b(ba|da)?sh\b|^# shellcheck shell=' && echo "$file"
  done
}
check_shell() {
  local scripts
  mapfile -t scripts < <(shell_scripts)
  shellcheck -x --severity=warning "${scripts[@]}"
  echo "dev-says: ${#scripts[@]} scripts"
}

build_asan() { build_preset asan --target tests/all fuzz/all; }
build_tsan() { build_preset tsan --target tests/all; }
build_sanitizers() { build_asan && build_tsan; }

# Unit tests run under the sanitizers and not once more without: two builds of them, by clang and by g++ with -Werror. These
# builds begin behind tests that look at no clock closely.
command_test() {
  setup build run page test
  echo "${bold}building and testing on $jobs cores; cold about 40 minutes, later about 20${plain}"
  step "layers" tools/check_layers
  step "shellcheck" check_shell
  step "build (release)" build_preset release --target "${programs[@]}" net_guest_test simulation_test
  step "simulation" build/release/tests/simulation/simulation_test
  step "page" run_page
  prepare_root
  step "end to end" run_e2e
  begin_behind build_sanitizers
  step "kernel guest" tests/e2e/kernel_guest/run.sh
  step "kernel mesh" run_kernel_mesh
  end_behind
  step "build (asan)" build_asan
  begin_behind build_tsan
  step "unit tests (asan, ubsan)" run_ctest asan
  end_behind
  step "build (tsan)" build_tsan
  step "unit tests (tsan)" run_ctest tsan -R "^($(IFS='|'; echo "${threaded[*]}"))\$"
  step "fuzz" fuzz_all "${FUZZ_SECONDS:-5}"
  summary "./dev test"
  echo "${green}all tests passed${plain}"
}

changed_sources() {
  { git diff --name-only HEAD; git diff --name-only "$(git merge-base HEAD origin/HEAD 2>/dev/null || echo HEAD~1)" HEAD; \
    git ls-files --others --exclude-standard; } 2>/dev/null | sort -u
}

command_lint() {
  local files=() sources=()
  setup build lint
  if [ "${1:-}" = --all ]; then mapfile -t files < <(git ls-files)
  elif [ $# -gt 0 ]; then files=("$@")
  else mapfile -t files < <(changed_sources); fi
  mapfile -t sources < <(printf '%s\n' "${files[@]}" | grep -E '^(src|tests|fuzz|bench)/.*\.(cpp|h)$' | while read -r f; do [ -f "$f" ] && echo "$f"; done)
  step "shellcheck" check_shell
  step "layers" tools/check_layers
  step "page" check_page
  [ ${#sources[@]} = 0 ] && echo "no C++ source to look at (./dev lint --all takes all)" && return
  step "clang-format" clang-format-19 --dry-run --Werror "${sources[@]}"
  [ -f build/dev/compile_commands.json ] || step "configure (dev)" cmake --preset dev
  mapfile -t sources < <(printf '%s\n' "${sources[@]}" | grep -E '^src/.*\.cpp$')
  [ ${#sources[@]} = 0 ] || step "clang-tidy" tidy_all "${sources[@]}"
}

tidy_all() { printf '%s\0' "$@" | xargs -0 -n 1 -P "$jobs" clang-tidy-19 -p build/dev --quiet --warnings-as-errors='*'; }

env_seed() {
  export SEED=$1
  shift
  "$@"
}

# The packages under a systemd and from two builds, then rounds of fuzzing and end to end tests; each round's seed is printed, so that a failure can be repeated.
command_soak() {
  local minutes=${1:-60} round=0 until seed
  local MOENET_SOAK=1  # end to end tests that wait for minutes, too
  fuzz_build=fuzz
  setup build run page test soak
  step "build (dev)" build_preset dev
  step "build (release)" build_preset release --target "${programs[@]}" simulation_test
  step "simulation" env SIM_SEEDS="${SIM_SEEDS:-100000}" build/release/tests/simulation/simulation_test
  step "build (fuzz)" build_preset fuzz --target fuzz/all
  prepare_root
  step "systemd" as_root tests/e2e/systemd/run.sh
  step "reproducible" tests/reproducible.sh
  until=$((SECONDS + minutes * 60))
  while [ $SECONDS -lt $until ]; do
    round=$((round + 1))
    seed=${SEED:-$((RANDOM + 1))}
    echo "round $round, SEED=$seed"
    step "fuzz $round" env_seed "$seed" fuzz_all "${FUZZ_SECONDS:-60}"
    step "properties $round" env RC_PARAMS="seed=$seed max_success=2000" ctest --test-dir build/dev --output-on-failure
    prepare_root
    step "end to end $round" run_e2e
  done
  summary "./dev soak: $round rounds"
}

# The programs in bench/ by their short names: "agent_sync" is build/release/bench/agent_sync_bench, "node" is bench/node_bench.py.
bench_program() {
  local path
  for path in "build/release/bench/${1%_bench}_bench" "bench/${1%_bench}_bench.py"; do
    [ -x "$path" ] && echo "$path" && return
  done
  return 1
}

# Every program runs; what is over its budget is said at the end of its own output, and once more at the very end.
command_bench() {
  local program programs=() name over=()
  setup build run bench
  step "build (release)" build_preset release
  if [ $# -gt 0 ]; then
    for name in "$@"; do
      programs+=("$(bench_program "$name")") || die "there is no benchmark $name: see bench/"
    done
  else mapfile -t programs < <(find build/release/bench bench -maxdepth 1 -type f -name '*_bench*' -perm -u+x | sort -r); fi
  [ ${#programs[@]} -gt 0 ] || die "there is no benchmark in bench/"
  prepare_root
  for program in "${programs[@]}"; do
    name=$(basename "$program")
    echo "${bold}== $name${plain}"
    as_root env MOENET_BUILD="$root/build/release" MOENET_BIRD2="$(bird 2)" MOENET_BIRD3="$(bird 3)" "$program" || over+=("$name")
  done
  [ ${#over[@]} = 0 ] || die "not within budget: ${over[*]} (the lines above say which figure)"
}
