package forgetest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// A face is how a product is spoken with.
type face struct {
	base           string // of its API
	tags           bool   // it has ETags
	header, scheme string // that show a token
	// pages says in a header that there are more pages.
	pages func(h http.Header, page, pages, total int)
	// limit says that it was asked too often, and returns the status.
	limit func(h http.Header, until time.Time) int
}

var (
	github = face{
		"/api/v3", true, "Authorization", "Bearer ",
		func(h http.Header, page, pages, _ int) {
			if page < pages { // by another name than it is reached by, as behind a proxy
				h.Set("Link", fmt.Sprintf(`<https://api.example.com/x?page=%d>; rel="next", <https://api.example.com/x?page=%d>; rel="last"`, page+1, pages))
			}
		},
		func(h http.Header, until time.Time) int {
			h.Set("X-RateLimit-Remaining", "0")
			h.Set("X-RateLimit-Reset", strconv.FormatInt(until.Unix(), 10))
			return http.StatusForbidden
		},
	}
	gitlab = face{
		"/api/v4", true, "PRIVATE-TOKEN", "",
		func(h http.Header, page, pages, total int) {
			h.Set("X-Total", strconv.Itoa(total))
			h.Set("X-Next-Page", "")
			if page < pages {
				h.Set("X-Next-Page", strconv.Itoa(page+1))
			}
		},
		func(h http.Header, until time.Time) int {
			h.Set("RateLimit-Remaining", "0")
			h.Set("RateLimit-Reset", strconv.FormatInt(until.Unix(), 10))
			return http.StatusTooManyRequests
		},
	}
	gitea = face{
		"/api/v1", false, "Authorization", "token ",
		func(h http.Header, _, _, total int) { h.Set("X-Total-Count", strconv.Itoa(total)) },
		func(h http.Header, until time.Time) int { // of a proxy before it: it has no limit itself
			h.Set("Retry-After", strconv.Itoa(int(time.Until(until).Seconds())))
			return http.StatusTooManyRequests
		},
	}
)

// A question is answered with a list, of which pages are shown, or one thing; nil is
// nothing.
type question func(r *http.Request) (any, error)

// routes are the paths of all three.
func (f *Forge) routes() http.Handler {
	mux := http.NewServeMux()
	add := func(face face, path string, q question) { mux.Handle("GET "+face.base+path, f.ask(face, q)) }
	for _, hub := range []struct {
		face
		shape
	}{{github, githubShape}, {gitea, giteaShape}} {
		add(hub.face, "/repos/{owner}/{name}/pulls", f.inHub(hub.pulls))
		add(hub.face, "/repos/{owner}/{name}/branches", f.inHub(hub.branches))
		add(hub.face, "/repos/{owner}/{name}/branches/{branch...}", f.inHub(hub.branch))
		add(hub.face, "/repos/{owner}/{name}/contents/{path...}", f.inHub(hub.contents))
		add(hub.face, "/repos/{owner}/{name}/labels", f.inHub(hub.labels))
		add(hub.face, "/orgs/{owner}/repos", func(r *http.Request) (any, error) { return hub.repositories(f.of(r.PathValue("owner"))), nil })
	}
	add(gitlab, "/groups/{owner}/projects", func(r *http.Request) (any, error) { return gitlabProjects(f.of(r.PathValue("owner"))), nil })
	add(gitlab, "/projects/{id}/merge_requests", f.inLab(gitlabMerges))
	add(gitlab, "/projects/{id}/repository/branches", f.inLab(gitlabBranches))
	add(gitlab, "/projects/{id}/repository/branches/{branch}", f.inLab(gitlabBranch))
	add(gitlab, "/projects/{id}/repository/tree", f.inLab(gitlabTree))
	return mux
}

// inHub answers about the repository that the path names.
func (f *Forge) inHub(about func(*http.Request, Repository) (any, error)) question {
	return func(r *http.Request) (any, error) {
		repo, ok := f.at(func(at *Repository) bool { return at.Owner == r.PathValue("owner") && at.Name == r.PathValue("name") })
		if !ok {
			return nil, nil
		}
		return about(r, repo)
	}
}

// inLab answers about the project that the path names, or numbers.
func (f *Forge) inLab(about func(*http.Request, Repository) (any, error)) question {
	return func(r *http.Request) (any, error) {
		id := r.PathValue("id")
		repo, ok := f.at(func(at *Repository) bool { return at.Owner+"/"+at.Name == id || strconv.Itoa(at.id) == id })
		if !ok {
			return nil, nil
		}
		return about(r, repo)
	}
}

// ask answers one question, as the forge is.
func (f *Forge) ask(face face, q question) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.asked++
		mood := f.mood
		f.mu.Unlock()
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		page = max(1, page)
		switch {
		case mood == Down || mood == Torn && page > 1:
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, "<html><h1>502</h1></html>")
		case mood == Denied || r.Header.Get(face.header) != face.scheme+f.token:
			refuse(w, http.StatusUnauthorized, "Bad credentials")
		case mood == Limited:
			refuse(w, face.limit(w.Header(), time.Now().Add(time.Hour)), "API rate limit exceeded")
		case mood == Hanging:
			select {
			case <-r.Context().Done():
			case <-f.end:
			}
			panic(http.ErrAbortHandler) //nolint:forbidigo // it is how a handler cuts its answer off
		default:
			v, err := q(r)
			f.write(w, r, face, v, err, page, mood)
		}
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

// write writes an answer, or a page of it.
func (f *Forge) write(w http.ResponseWriter, r *http.Request, face face, v any, err error, page int, mood Mood) {
	switch {
	case err != nil:
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	case v == nil:
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	if list, ok := v.([]object); ok {
		if mood == Empty {
			list = nil
		}
		from, to := min((page-1)*f.page, len(list)), min(page*f.page, len(list))
		face.pages(w.Header(), page, (len(list)+f.page-1)/f.page, len(list))
		v = append([]object{}, list[from:to]...)
		f.turn(page)
	}
	body, _ := json.Marshal(v) // of maps and texts
	if tag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(body)); face.tags {
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			f.mu.Lock()
			f.same++
			f.mu.Unlock()
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if mood == Half {
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) //nolint:forbidigo // it is how a handler cuts its answer off
	}
	_, _ = w.Write(body)
}

// turn says that a page was read.
func (f *Forge) turn(page int) {
	f.mu.Lock()
	turned := f.turned
	f.mu.Unlock()
	if turned != nil {
		f.turning.Lock()
		defer f.turning.Unlock()
		turned(page)
	}
}

// has says whether a branch has a file or directory.
func has(r *http.Request, repo Repository, branch, at string) (bool, error) {
	at = strings.Trim(at, "/")
	dir := path.Dir(at)
	if dir == "." {
		dir = ""
	}
	names, err := repo.Git.List(r.Context(), branch, dir)
	for _, name := range names {
		if name == path.Base(at) {
			return true, err
		}
	}
	return false, err
}
