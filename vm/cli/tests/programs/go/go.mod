module warpbeam/programs

go 1.22
