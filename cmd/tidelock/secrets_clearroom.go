package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/shlex"
	"github.com/tidelock-io/tidelock/secrets"
	"golang.org/x/sys/unix"
)

// A clearRoom is a directory for a plain text while it is edited: in memory,
// closed to others, and wiped at the end.
type clearRoom struct {
	dir  string
	lock *os.File // held while in use: what nobody holds is swept
	file string
}

const clearRoomPrefix = "tidelock-edit-"

// newClearRoom makes one where files are in memory only.
func newClearRoom(insecureDisk bool) (*clearRoom, error) {
	parent := inMemory()
	if parent == "" && !insecureDisk {
		return nil, errors.New("there is no file system in memory for the plain text (hint: --insecure-disk takes a temporary file on disk)")
	}
	if parent != "" {
		sweepClearRooms(parent)
	}
	dir, err := os.MkdirTemp(parent, clearRoomPrefix) // 0700
	if err != nil {
		return nil, fmt.Errorf("make a place for the plain text: %w", err)
	}
	room := &clearRoom{dir: dir}
	if room.lock, err = os.Open(dir); err == nil {
		err = unix.Flock(int(room.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		room.wipe()
		return nil, fmt.Errorf("make a place for the plain text: %w", err)
	}
	return room, nil
}

// inMemory finds a directory whose files never reach a disk, but for swap.
func inMemory() string {
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/dev/shm", os.TempDir()} {
		if dir != "" && isMemory(dir) && unix.Access(dir, unix.W_OK|unix.X_OK) == nil {
			return dir
		}
	}
	return ""
}

// sweepClearRooms wipes what was left by one that was killed.
func sweepClearRooms(parent string) {
	left, err := filepath.Glob(filepath.Join(parent, clearRoomPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		f, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
		if err != nil {
			continue // another's
		}
		if info, err := f.Stat(); err == nil && ownedByMe(info) && unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			(&clearRoom{dir: dir}).wipe()
		}
		f.Close()
	}
}

func ownedByMe(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}

// put writes the text that is to be edited, under a name whose ending tells the
// editor what it is.
func (r *clearRoom) put(name string, text secrets.Value) error {
	r.file = filepath.Join(r.dir, name)
	if err := os.WriteFile(r.file, text.Reveal(), 0o600); err != nil {
		return fmt.Errorf("write the plain text: %w", err)
	}
	return nil
}

// edit runs the editor, and returns what it left.
func (r *clearRoom) edit(ctx context.Context) (secrets.Value, error) {
	words, err := findEditor()
	if err != nil {
		return secrets.Value{}, err
	}
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], r.file)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "TMPDIR="+r.dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * time.Second
	err = cmd.Run()
	if ctx.Err() != nil {
		return secrets.Value{}, errInterrupted
	}
	if err != nil {
		return secrets.Value{}, fmt.Errorf("the editor %s failed: %w", words[0], err)
	}
	text, err := os.ReadFile(r.file)
	if err != nil {
		return secrets.Value{}, errors.New("the editor left no file")
	}
	return secrets.New(text), nil
}

// findEditor returns the words of a command line, as sops finds it.
func findEditor() ([]string, error) {
	for _, name := range []string{"SOPS_EDITOR", "VISUAL", "EDITOR"} {
		line := os.Getenv(name)
		if strings.TrimSpace(line) == "" {
			continue
		}
		words, err := shlex.Split(line)
		if err != nil || len(words) == 0 {
			return nil, fmt.Errorf("$%s is no command line", name)
		}
		return append(words, quietArgs(words[0])...), nil
	}
	for _, editor := range []string{"vim", "nano", "vi"} {
		if program, err := exec.LookPath(editor); err == nil {
			return append([]string{program}, quietArgs(editor)...), nil
		}
	}
	return nil, errors.New("there is no editor (hint: name one in $EDITOR)")
}

// quietArgs keep Vim from writing swap, undo and history files.
func quietArgs(editor string) []string {
	switch filepath.Base(editor) {
	case "vim", "nvim", "gvim":
		return []string{"-n", "-i", "NONE", "-c", "set nobackup nowritebackup noundofile"}
	}
	return nil
}

// wipe overwrites and removes what the room holds, copies of editors included.
func (r *clearRoom) wipe() {
	_ = filepath.WalkDir(r.dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			overwrite(name)
		}
		return nil
	})
	_ = os.RemoveAll(r.dir) // in memory: there is nothing else to be done
	if r.lock != nil {
		r.lock.Close()
	}
}

func overwrite(name string) {
	f, err := os.OpenFile(name, os.O_WRONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		_, _ = f.Write(make([]byte, info.Size()))
	}
}
