package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
)

// ErrNotMine says that a directory is of a kind which this renderer does not
// render. Any other error fails the sync as it stands.
var ErrNotMine = errors.New("not a directory of this renderer's kind")

// A Renderer turns a directory of a repository into Kubernetes manifests.
//
// Render must depend on its request and on what it reads from req.Tree only:
// the result is kept until one of the files read, listed or found absent
// changes. It may be called from several goroutines at once unless the plugin
// says otherwise in [Plugin].Serial.
type Renderer interface {
	Render(ctx context.Context, req *RenderRequest) (*RenderResult, error)
}

// A RenderRequest says what to render and for whom.
type RenderRequest struct {
	// Application is the name of the Application, for messages.
	Application string
	// Path is the directory to render: slash-separated, relative to the root of
	// Tree, "." for the root itself.
	Path string
	// Tree holds the whole repository at one commit. SOPS files read as plain text.
	Tree Tree
	// Host gives what is not in Tree: other sources, other renderers, objects of
	// the destination.
	Host Host
	// Options is the block of the Application's source that is named after the
	// renderer (spec.source.kustomize for "kustomize", ...) as JSON; nil if absent.
	Options json.RawMessage
	// Namespace is the destination's namespace, "" if it has none.
	Namespace string
	// KubeVersion ("1.37.2") and APIVersions ("apps/v1", "apps/v1/Deployment")
	// describe the destination.
	KubeVersion string
	APIVersions []string
	// Env is Argo CD's build environment (ARGOCD_APP_NAME, ...).
	Env map[string]string

	scratch string // see Materialize
}

// A RenderResult is what a render gives.
type RenderResult struct {
	Documents []Document
	// Warnings are sentences for a person; they do not fail the render.
	Warnings []string
}

// A Document is one Kubernetes object as YAML or JSON, or several YAML
// documents separated by "---" lines.
type Document struct {
	Data []byte
	// File is the path in Tree that the document came from, "" if unknown;
	// Line is where in File it starts, counted from 1, 0 if unknown.
	File string
	Line int
}

// Tree is a read-only view of a repository at one commit. Names are
// slash-separated and relative to the root, as in [fs.ValidPath]. Symlinks are
// followed inside the tree only.
//
// Errors satisfy errors.Is(err, fs.ErrNotExist) if, and only if, nothing is
// there.
type Tree interface {
	fs.ReadFileFS
	fs.ReadDirFS
	fs.StatFS
	// Resolve returns name with all symlinks followed, and what is there.
	Resolve(name string) (path string, info fs.FileInfo, err error)
}

// An EncryptedTree is a Tree of the host that can tell how a file stands in the
// commit, too.
type EncryptedTree interface {
	Tree
	// ReadEncrypted is ReadFile without decrypting.
	ReadEncrypted(name string) ([]byte, error)
}
