package git

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// A pack is one pack file with its index, open for reading by many goroutines
// at once. go-git's own object storage serves one at a time.
type pack struct {
	name    plumbing.Hash
	index   *idxfile.MemoryIndex
	file    *os.File // closed by its finalizer, once no reader is left
	count   int64
	bases   cache.Object // and small objects
	readers sync.Pool    // of *packfile.Packfile, each with a position of its own
}

func packPath(dir string, name plumbing.Hash, ext string) string {
	return filepath.Join(dir, fmt.Sprintf("pack-%s.%s", name, ext))
}

// openPack opens a pack and checks that pack and index belong together.
func openPack(dir string, name plumbing.Hash, bases cache.Object) (*pack, error) {
	raw, err := os.ReadFile(packPath(dir, name, "idx"))
	if err != nil {
		return nil, err
	}
	index := idxfile.NewMemoryIndex()
	if err := idxfile.NewDecoder(bytes.NewReader(raw)).Decode(index); err != nil {
		return nil, fmt.Errorf("index of pack %s: %w", name, err)
	}
	file, err := os.Open(packPath(dir, name, "pack"))
	if err != nil {
		return nil, err
	}
	if err := checkTrailer(file, name, index); err != nil {
		file.Close()
		return nil, fmt.Errorf("pack %s: %w", name, err)
	}
	return newPack(name, index, file, bases)
}

func newPack(name plumbing.Hash, index *idxfile.MemoryIndex, file *os.File, bases cache.Object) (*pack, error) {
	count, err := index.Count()
	if err != nil {
		file.Close()
		return nil, err
	}
	p := &pack{name: name, index: index, file: file, count: count, bases: bases}
	p.readers.New = func() any {
		return packfile.NewPackfileWithCache(index, nil, newSection(file), bases, 0)
	}
	return p, nil
}

// checkTrailer finds packs that were cut short or mixed up; damage inside is
// found when an object is read.
func checkTrailer(file *os.File, name plumbing.Hash, index *idxfile.MemoryIndex) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	var trailer plumbing.Hash
	if _, err := file.ReadAt(trailer[:], max(0, info.Size()-int64(len(trailer)))); err != nil {
		return err
	}
	if trailer != name || plumbing.Hash(index.PackfileChecksum) != name {
		return fmt.Errorf("checksum %s does not match the name", trailer)
	}
	return nil
}

func (p *pack) has(h plumbing.Hash) bool {
	ok, err := p.index.Contains(h)
	return ok && err == nil
}

// object reads one object. Small ones share a cache with the bases of deltas.
func (p *pack) object(h plumbing.Hash) (plumbing.EncodedObject, error) {
	r := p.readers.Get().(*packfile.Packfile)
	o, err := r.Get(h)
	if err != nil {
		return nil, err // and drop r: its position is unknown
	}
	p.readers.Put(r)
	return o, nil
}

func (p *pack) size(h plumbing.Hash) (int64, error) {
	offset, err := p.index.FindOffset(h)
	if err != nil {
		return 0, err
	}
	if size, ok := p.sizeAt(offset); ok {
		return size, nil
	}
	r := p.readers.Get().(*packfile.Packfile)
	size, err := r.GetSizeByOffset(offset)
	if err != nil {
		return 0, err
	}
	p.readers.Put(r)
	return size, nil
}

// sizeAt reads the size of an object that is packed as it is. Of a delta it is not
// known without unpacking some of it.
func (p *pack) sizeAt(offset int64) (size int64, ok bool) {
	var head [10]byte // as many as a size takes
	n, err := p.file.ReadAt(head[:], offset)
	if err != nil && !errors.Is(err, io.EOF) || n == 0 {
		return 0, false
	}
	switch plumbing.ObjectType(head[0] >> 4 & 7) {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
	default:
		return 0, false
	}
	size = int64(head[0] & 15)
	for i, shift := 0, 4; head[i]&0x80 != 0; shift += 7 {
		if i++; i == n || shift > 53 {
			return 0, false // no pack has such an object
		}
		size |= int64(head[i]&0x7f) << shift
	}
	return size, true
}

// writePack stores a stream of at most limit bytes as a pack of its own in dir.
// Every object is unpacked and hashed on the way, so the index can be trusted.
// An empty pack gives nil.
func writePack(dir string, stream io.Reader, limit int64, bases cache.Object) (_ *pack, err error) {
	file, err := os.CreateTemp(dir, "tmp_pack_")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			file.Close()
			os.Remove(file.Name())
		}
	}()
	n, err := io.Copy(file, io.LimitReader(stream, limit+1))
	if err != nil {
		return nil, fmt.Errorf("receive pack: %w", err)
	}
	if n > limit {
		return nil, fmt.Errorf("%w: the pack has more than %d bytes", ErrTooLarge, limit)
	}
	index, err := indexPack(file)
	if err != nil {
		return nil, fmt.Errorf("index pack: %w", err)
	}
	name := plumbing.Hash(index.PackfileChecksum)
	if count, err := index.Count(); err != nil || count == 0 {
		return nil, fmt.Errorf("receive pack: empty (%w)", packfile.ErrEmptyPackfile)
	}
	if err = savePack(dir, name, index, file.Name()); err != nil {
		return nil, err
	}
	return newPack(name, index, file, bases)
}

func indexPack(file *os.File) (*idxfile.MemoryIndex, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	writer := new(idxfile.Writer)
	parser, err := packfile.NewParser(packfile.NewScanner(file), writer)
	if err != nil {
		return nil, err
	}
	if _, err := parser.Parse(); err != nil {
		return nil, err
	}
	return writer.Index()
}

// savePack makes the pack appear at once and whole: the index is there before it.
func savePack(dir string, name plumbing.Hash, index *idxfile.MemoryIndex, temp string) error {
	var raw bytes.Buffer
	if _, err := idxfile.NewEncoder(&raw).Encode(index); err != nil {
		return err
	}
	if err := writeFile(packPath(dir, name, "idx"), raw.Bytes()); err != nil {
		return err
	}
	return os.Rename(temp, packPath(dir, name, "pack"))
}

// A section is a billy.File that reads a shared file at its own position.
type section struct{ *io.SectionReader }

var _ billy.File = section{}

func newSection(f *os.File) section {
	return section{io.NewSectionReader(f, 0, 1<<62)}
}

func (section) Name() string              { return "" }
func (section) Close() error              { return nil }
func (section) Lock() error               { return nil }
func (section) Unlock() error             { return nil }
func (section) Truncate(int64) error      { return os.ErrPermission }
func (section) Write([]byte) (int, error) { return 0, os.ErrPermission }
