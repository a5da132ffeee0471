package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/shard"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// A tenure is a replica's Lease, as the audit log tells of it from its making to its end.
type tenure struct {
	id, login   string
	began, gone time.Time // gone is zero while it is there
	room        []string
	left        bool
	at          []string // what it is still at, if it has left
}

// holds says that it may still be at an Application.
func (h *tenure) holds(app types.NamespacedName) bool {
	return h.gone.IsZero() && (!h.left || slices.Contains(h.at, app.String()))
}

// tenures are those that there were up to some write, in the order of their beginnings.
type tenures []*tenure

// take takes a write of a Lease.
func (all *tenures) take(t *testing.T, w testenv.Write) {
	t.Helper()
	if w.Verb == "create" {
		*all = append(*all, &tenure{id: w.Name, login: w.Login, began: w.At})
		return
	}
	i := slices.IndexFunc(*all, func(h *tenure) bool { return h.id == w.Name })
	if i < 0 {
		t.Fatalf("%s: nobody has made it", w)
	}
	h := (*all)[i]
	if w.Verb == "delete" {
		h.gone = w.At
		return
	}
	h.room = nil
	if err := json.Unmarshal([]byte(w.Annotations["tidelock.io/room-for"]), &h.room); err != nil {
		t.Fatalf("%s: %v", w, err)
	}
	if word := w.Annotations["tidelock.io/leaving"]; word != "" {
		var said struct{ At []string }
		if err := json.Unmarshal([]byte(word), &said); err != nil {
			t.Fatalf("%s: %v", w, err)
		}
		h.left, h.at = true, said.At
	}
}

// of is the last one under a login.
func (all tenures) of(login string) *tenure {
	for _, h := range slices.Backward(all) {
		if h.login == login {
			return h
		}
	}
	return nil
}

// wrong says why a replica might not write on an Application; "" if it might.
func (all tenures) wrong(h *tenure, app types.NamespacedName) string {
	switch {
	case h == nil:
		return "it had no Lease"
	case !h.holds(app):
		return "its Lease " + h.id + " was over"
	}
	elder := true
	for _, other := range all {
		if other == h {
			elder = false
			continue
		}
		theirs := shard.Owner([]string{h.id, other.id}, app) == other.id
		switch {
		case !other.holds(app):
		case elder && !other.left && !slices.Contains(other.room, h.id):
			return other.id + " had made no room for " + h.id
		case elder && theirs:
			return "it was " + other.id + "'s, and not " + h.id + "'s"
		case theirs && slices.Contains(h.room, other.id):
			return h.id + " had given it to " + other.id
		}
	}
	return ""
}

// judges goes through the API server's audit log: each hook was made once for an
// operation, no object went back to an older version or was deleted, and no replica wrote
// on what was not its own, as its Lease and those of the others stood at that moment.
func (p *pack) judges(t *testing.T, writes []testenv.Write) {
	t.Helper()
	var all tenures
	made, at := map[string]int{}, map[string]int{}
	judged := 0
	for _, w := range writes {
		if w.Resource == "leases" && w.Namespace == p.namespace() {
			all.take(t, w)
			continue
		}
		app := types.NamespacedName{Namespace: p.namespace(), Name: w.Namespace}
		switch {
		case w.Resource == "applications" && w.Namespace == p.namespace():
			app.Name = w.Name
		case !strings.HasPrefix(w.Namespace, p.name+"-") || w.Name == "roaming" || w.Resource != "jobs" && w.Resource != "configmaps":
			continue
		}
		judged++
		if why := all.wrong(all.of(w.Login), app); why != "" {
			t.Errorf("%s: %s", w, why)
		}
		object := w.Namespace + "/" + w.Name
		switch {
		case w.Resource == "jobs" && w.Created:
			made[object+" of version "+w.Annotations["version"]+" in operation "+w.Annotations[api.AnnotationOperation]]++
		case w.Resource == "configmaps" && w.Verb == "delete":
			t.Errorf("%s: nothing is to be deleted", w)
		case w.Resource == "configmaps" && w.Annotations != nil:
			version, err := strconv.Atoi(w.Annotations["version"])
			if err != nil || version < at[object] {
				t.Errorf("%s: version %q after %d", w, w.Annotations["version"], at[object])
			}
			at[object] = max(at[object], version)
		}
	}
	for hook, n := range made {
		if n != 1 {
			t.Errorf("hook %s was made %d times", hook, n)
		}
	}
	if len(made) == 0 || len(at) != 2*p.n || len(all) < len(p.agents) {
		t.Errorf("the audit log has %d hooks, %d objects and %d Leases only", len(made), len(at), len(all))
	}
	t.Logf("the audit log has %d writes under %d Leases, of %d hooks and %d objects", judged, len(all), len(made), len(at))
}

// TestTenures: whose an Application is, as Leases say, is told from whose it is not.
func TestTenures(t *testing.T) {
	t.Parallel()
	// The owner among a and b, and whoever it is not.
	ids := []string{"a", "b"}
	app := types.NamespacedName{Namespace: "argocd", Name: "shop"}
	owner := shard.Owner(ids, app)
	other := ids[1-slices.Index(ids, owner)]
	lease := func(verb, id, room, leaving string) testenv.Write {
		w := testenv.Write{Verb: verb, Name: id, Login: "of " + id, Annotations: map[string]string{"tidelock.io/room-for": room}}
		if leaving != "" {
			w.Annotations["tidelock.io/leaving"] = leaving
		}
		w.At = time.Unix(1, 0)
		return w
	}
	roomFor := func(id string) string { return `["` + id + `"]` }
	for _, tt := range []struct {
		name, writer, want string
		leases             []testenv.Write
	}{
		{"no Lease", owner, "it had no Lease", nil},
		{"alone", other, "", []testenv.Write{lease("create", other, "", "")}},
		{"its own", owner, "", []testenv.Write{lease("create", other, "", ""), lease("create", owner, "", ""), lease("update", other, roomFor(owner), "")}},
		{"no room yet", owner, other + " had made no room for " + owner, []testenv.Write{lease("create", other, "", ""), lease("create", owner, "", "")}},
		{"an elder's", other, "it was " + owner + "'s, and not " + other + "'s", []testenv.Write{
			lease("create", owner, "", ""), lease("create", other, "", ""), lease("update", owner, roomFor(other), ""),
		}},
		{"not given yet", other, "", []testenv.Write{lease("create", other, "", ""), lease("create", owner, "", "")}},
		{"given away", other, other + " had given it to " + owner, []testenv.Write{
			lease("create", other, "", ""), lease("create", owner, "", ""), lease("update", other, roomFor(owner), ""),
		}},
		{"buried", owner, "its Lease " + owner + " was over", []testenv.Write{lease("create", owner, "", ""), lease("delete", owner, "", "")}},
		{"leaves", owner, "its Lease " + owner + " was over", []testenv.Write{lease("create", owner, "", ""), lease("update", owner, "null", `{"at":["argocd/web"]}`)}},
		{"leaves, and is at it", owner, "", []testenv.Write{lease("create", owner, "", ""), lease("update", owner, "null", `{"at":["argocd/shop"]}`)}},
		{"who leaves is at it", other, "it was " + owner + "'s, and not " + other + "'s", []testenv.Write{
			lease("create", owner, "", ""), lease("create", other, "", ""), lease("update", owner, roomFor(other), `{"at":["argocd/shop"]}`),
		}},
		{"who leaves is not", other, "", []testenv.Write{
			lease("create", owner, "", ""), lease("create", other, "", ""), lease("update", owner, roomFor(other), `{}`),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var all tenures
			for _, w := range tt.leases {
				all.take(t, w)
			}
			if got := all.wrong(all.of("of "+tt.writer), app); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
