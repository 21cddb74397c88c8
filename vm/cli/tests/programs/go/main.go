// Goroutines, channels, timers, files and standard streams, as Go's own port to WASI uses them.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"time"
)

func goroutines() {
	const workers, items = 50, 2000
	numbers, squares := make(chan int), make(chan int, 10)
	var group sync.WaitGroup
	for range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			for n := range numbers {
				squares <- n * n
			}
		}()
	}
	go func() {
		for n := range items {
			numbers <- n
		}
		close(numbers)
		group.Wait()
		close(squares)
	}()
	sum, count := 0, 0
	for square := range squares {
		sum += square
		count++
	}
	fmt.Println("goroutines", count, sum)

	began := time.Now()
	select {
	case <-make(chan int):
	case <-time.After(30 * time.Millisecond):
		fmt.Println("timer", time.Since(began) >= 30*time.Millisecond)
	}
}

func files(directory string) error {
	for i := range 100 {
		path := filepath.Join(directory, fmt.Sprintf("file-%02d", i))
		if err := os.WriteFile(path, fmt.Appendf(nil, "contents %d", i), 0o644); err != nil {
			return err
		}
	}
	if err := os.Rename(filepath.Join(directory, "file-00"), filepath.Join(directory, "moved")); err != nil {
		return err
	}
	var names []string
	size := int64(0)
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			names = append(names, entry.Name())
			size += info.Size()
		}
		return err
	})
	if err != nil {
		return err
	}
	sort.Strings(names)
	fmt.Println("files", len(names), names[0], names[len(names)-1], size)
	_, err = os.Open(filepath.Join(directory, "file-00"))
	fmt.Println("missing", errors.Is(err, fs.ErrNotExist))
	return os.RemoveAll(filepath.Join(directory, "moved"))
}

func streams() error {
	info, err := os.Stdin.Stat()
	if err != nil {
		return err
	}
	// WASI has no type for pipes, so that more of the mode would differ.
	fmt.Println("stdin is a character device:", info.Mode()&os.ModeCharDevice != 0, info.Size())
	lines := 0
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		lines++
	}
	fmt.Println("lines", lines, os.Getenv("GREETING"), len(os.Args))
	text, err := json.Marshal(map[string]any{"b": []int{1, 2}, "a": 1.5, "c": nil})
	fmt.Println(string(text))
	return err
}

func panics() (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	var none []int
	return fmt.Sprint(none[len(os.Args)])
}

func main() {
	goroutines()
	if err := streams(); err != nil {
		fmt.Println("streams:", err)
	}
	if err := files(os.Args[1]); err != nil {
		fmt.Println("files:", err)
	}
	fmt.Println(panics())
	os.Exit(3)
}
