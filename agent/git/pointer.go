package git

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	maxPointer     = 1024 // bytes
	pointerVersion = "https://git-lfs.github.com/spec/v1"
)

// A pointer stands in a repository for a file that Git LFS keeps elsewhere
// (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
type pointer struct {
	oid  string // SHA-256 of the content, in hex
	size int64
}

// isPointer reports whether a file means to be a pointer.
func isPointer(content []byte) bool {
	return len(content) < maxPointer && bytes.HasPrefix(content, []byte("version https://git-lfs.github.com/spec/"))
}

// String is the pointer as Git LFS writes it.
func (p pointer) String() string {
	return fmt.Sprintf("version %s\noid sha256:%s\nsize %d\n", pointerVersion, p.oid, p.size)
}

// parsePointer takes only what Git LFS would write, but for the last line's end:
// anything else stands for we do not know what.
func parsePointer(content []byte) (pointer, error) {
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	if lines[0] != "version "+pointerVersion {
		return pointer{}, errors.New("of an unknown version")
	}
	if len(lines) > 1 && strings.HasPrefix(lines[1], "ext-") {
		return pointer{}, errors.New("with an extension")
	}
	if len(lines) != 3 {
		return pointer{}, errors.New("that is malformed")
	}
	oid, ok := strings.CutPrefix(lines[1], "oid sha256:")
	digits, sized := strings.CutPrefix(lines[2], "size ")
	size, err := strconv.ParseInt(digits, 10, 64)
	p := pointer{oid, size}
	raw, bad := hex.DecodeString(oid)
	if !ok || !sized || err != nil || bad != nil || len(raw) != 32 || size < 0 || p.String() != strings.TrimSuffix(string(content), "\n")+"\n" || oid != strings.ToLower(oid) {
		return pointer{}, errors.New("that is malformed")
	}
	return p, nil
}

// follow returns what a pointer stands for.
func (t *Tree) follow(path string, content []byte) ([]byte, error) {
	if t.reach == nil || !t.reach.repo.LFS {
		return nil, failf(ErrLFS, "%s is a Git LFS pointer; its content is not in the repository", path)
	}
	p, err := parsePointer(content)
	if err != nil {
		return nil, failf(ErrLFS, "%s is a Git LFS pointer %v", path, err)
	}
	if p.size > t.limits.FileSize {
		return nil, tooLarge(path, p.size, t.limits.FileSize)
	}
	kept, err := t.reach.object(p)
	if err != nil {
		return nil, unreadable(path, fmt.Errorf("%w: %w", ErrLFS, err))
	}
	return kept, nil
}
