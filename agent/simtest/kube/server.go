package kube

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Options say how a server and its controllers behave.
type Options struct {
	// Delay is how long a controller takes for a step ("rollout", "run", "gc", ...)
	// on an object.
	Delay func(step string, o *Object) time.Duration
	// Fate says how an object ends that runs: see the constants.
	Fate func(o *Object) Fate
	// Lag is how long an event is on its way to those who watch a kind.
	Lag func(o *Object) time.Duration
	// Changed, if not nil, is told of every change, in order. It must not call
	// the server.
	Changed func(Change)
	// Bookmarks is how often a watch is told the resource version; 0 is never.
	Bookmarks time.Duration
	// Pages makes the server refuse listings as streams, as old ones do.
	Pages bool
	// Kinds are served besides those that every server has.
	Kinds []*Kind
}

// A Fate is how a Job ends, or a rollout.
type Fate string

// The fates.
const (
	Succeeds Fate = ""
	Fails    Fate = "fails"
	Hangs    Fate = "hangs"
)

// A Change is one write that took effect.
type Change struct {
	// By is the User-Agent of who wrote, or "controller".
	By string
	// Verb is create, update, delete (a deletion was asked for) or gone.
	Verb string
	// Before is nil for create, After for gone.
	Before, After *Object
}

// A Server is an API server. It is safe for concurrent use, and holds its lock
// for no longer than it computes.
type Server struct {
	options Options

	mu       sync.Mutex // guards all below
	version  int64
	uids     int64
	kinds    []*Kind
	objects  map[id]*Object
	log      []event
	oldest   int64 // what was at or before it, no watch can be told any more
	watchers map[*watcher]bool
	answers  map[string][]byte // of discovery
	merges   map[id]*merge     // the last of each object
	ended    bool
}

// id names an object.
type id struct {
	group, resource string
	namespace, name string
}

// An Object is one state of an object. It is never changed.
type Object struct {
	*Kind
	Namespace, Name string
	UID             string
	Version         int64          // of the resource
	Body            map[string]any // whole; not to be changed
	labels          map[string]string
	raw             []byte // Body as JSON
	reading         sync.Once
	read            any
}

// Read keeps what the first who asks makes of the object, for all others who do.
func (o *Object) Read(as func() any) any {
	o.reading.Do(func() { o.read = as() })
	return o.read
}

func (o *Object) id() id { return id{o.Group, o.Resource, o.Namespace, o.Name} }

// New returns a server that holds the namespaces default and kube-system.
func New(options Options) *Server {
	s := &Server{
		options: options, kinds: slices.Concat(builtin, options.Kinds), objects: map[id]*Object{},
		watchers: map[*watcher]bool{}, answers: map[string][]byte{}, merges: map[id]*merge{}, version: 1000,
	}
	for _, name := range []string{"default", "kube-system"} {
		s.mu.Lock()
		_, err := s.create(call{by: "kube-apiserver", kind: namespaces, name: name, body: map[string]any{
			"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
		}})
		s.mu.Unlock()
		must(err) // a fresh store takes two namespaces
	}
	return s
}

// RoundTrip answers a request. Its error is nil.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	c, err := s.parse(r)
	if err != nil {
		return failure(r, err), nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, err := s.serve(r, c)
	if err != nil {
		return failure(r, err), nil
	}
	return answer, nil
}

func (s *Server) serve(r *http.Request, c call) (*http.Response, error) {
	if c.discovery {
		return s.discovery(r)
	}
	if c.kind = s.find(c.group, c.apiVersion, c.resource); c.kind == nil {
		return nil, apierrors.NewGenericServerResponse(http.StatusNotFound, c.verb, groupResource(c), c.name, "the server could not find the requested resource", 0, true)
	}
	switch c.verb {
	case "watch":
		return s.watch(r, c)
	case "list":
		return s.list(r, c)
	case "get":
		o, err := s.get(c)
		return answered(r, c, http.StatusOK, o, err)
	case "create":
		o, err := s.create(c)
		return answered(r, c, http.StatusCreated, o, err)
	case "update":
		o, err := s.update(c)
		return answered(r, c, http.StatusOK, o, err)
	case "patch":
		code := http.StatusOK
		if s.objects[c.id()] == nil {
			code = http.StatusCreated
		}
		o, err := s.patch(c)
		return answered(r, c, code, o, err)
	}
	o, err := s.remove(c)
	return answered(r, c, http.StatusOK, o, err)
}

// Get returns an object as it is, or nil.
func (s *Server) Get(group, resource, namespace, name string) *Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[id{group, resource, namespace, name}]
}

// All returns all objects as they are.
func (s *Server) All() []*Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Object, 0, len(s.objects))
	for _, o := range s.objects {
		all = append(all, o)
	}
	return all
}

// next counts up the resource version.
func (s *Server) next() int64 {
	s.version++
	return s.version
}

// uid makes a uid. They are unlike in their ends only, which serves as well.
func (s *Server) uid() string {
	s.uids++
	text := strconv.FormatInt(s.uids, 10)
	return "00000000-0000-4000-8000-000000000000"[:36-len(text)] + text
}
