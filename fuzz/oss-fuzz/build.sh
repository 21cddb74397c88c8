#!/bin/bash -eu
# Builds all fuzz targets, with seeds, as OSS-Fuzz asks for it: CXX, CXXFLAGS and LIB_FUZZING_ENGINE say how, the results
# go to OUT, and WORK is for what is in between. https://google.github.io/oss-fuzz/getting-started/new-project-guide/
cd "$(dirname "${BASH_SOURCE[0]}")"
[ -d ../../fuzz ] && cd ../.. || cd "$SRC/warpbeam"

# clang 19 miscompiles the tail calls of the interpreter when it looks for uses after a return, and the library has no
# type information, which the sanitizer of virtual calls would need.
flags="$CXXFLAGS -fsanitize-address-use-after-return=never -fno-sanitize=vptr"
[[ $CXXFLAGS == *-fsanitize=address* ]] || flags="$CXXFLAGS -fno-sanitize=vptr"

for dispatch in OFF ON; do
    build=$WORK/loop-$dispatch
    cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_CXX_FLAGS="$flags" \
        -DWARPBEAM_FUZZ=ON -DWARPBEAM_FUZZ_ENGINE="$LIB_FUZZING_ENGINE" -DWARPBEAM_LOOP_DISPATCH=$dispatch \
        -DWARPBEAM_OPTIMIZE=OFF -DWARPBEAM_CHECKS=ON -DWARPBEAM_TESTS=OFF -DWARPBEAM_ERLANG=OFF -DWARPBEAM_WERROR=OFF
    ninja -C "$build" fuzzers
    for target in "$build"/fuzz/*_fuzz; do
        name=$(basename "$target")
        # The targets that run code are there twice, for both ways to dispatch instructions.
        if [ $dispatch = OFF ]; then
            cp "$target" "$OUT/$name"
        elif [[ $name =~ ^(exec|capi|store|restore|replay|serve|wasi|guest_allocator)_fuzz$ ]]; then
            cp "$target" "$OUT/loop_$name"
        fi
    done
done

# Seeds: small modules of each feature, and their text; and the words of each format.
python3 fuzz/dictionaries.py "$WORK/dictionaries"
seeds=$WORK/seeds
mkdir -p "$seeds/binary" "$seeds/text"
"$WORK/loop-OFF/fuzz/suite_seeds" "$seeds/binary" fuzz/seeds.wast
cp fuzz/seeds.wast "$seeds/text"
for target in "$OUT"/*_fuzz; do
    case $(basename "$target") in
    *decode_fuzz | *exec_fuzz | *restore_fuzz | *serve_fuzz) kind=binary ;;
    *text_fuzz) kind=text ;;
    *sfv_writer_fuzz) continue ;;
    *sfv_*_fuzz) cp "$WORK/dictionaries/sfv.dict" "$target.dict" && continue ;;
    *) continue ;;
    esac
    cp "$WORK/dictionaries/$kind.dict" "$target.dict"
    (cd "$seeds/$kind" && zip -q -r "${target}_seed_corpus.zip" .)
done
