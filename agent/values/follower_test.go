package values

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidelock-io/tidelock/cmd/testenv"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// env is a real API server, for all tests of the package.
var env *testenv.Cluster

func TestMain(m *testing.M) { testenv.Main(m, &env) }

// A world is a Follower that runs, a namespace, and who was told of what.
type world struct {
	*Follower
	*testing.T
	ctx       context.Context
	admin     kubernetes.Interface
	namespace string

	mu   sync.Mutex
	told map[User]int
}

func newWorld(t *testing.T, user string) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	w := &world{T: t, ctx: ctx, namespace: strings.ToLower(strings.TrimPrefix(t.Name(), "Test")), told: map[User]int{}}
	w.admin = w.client(env.Config)
	if _, err := w.admin.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	cfg := rest.CopyConfig(env.Config)
	cfg.Impersonate.UserName = user
	w.Follower = NewFollower(w.client(cfg).CoreV1(), func(u User) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told[u]++
	})
	var g errgroup.Group
	g.Go(func() error { return w.Follower.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) client(cfg *rest.Config) kubernetes.Interface {
	w.Helper()
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		w.Fatal(err)
	}
	return client
}

// put creates or replaces a Secret.
func (w *world) put(name, value string, change ...func(*corev1.Secret)) {
	w.Helper()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{"k": value}}
	for _, c := range change {
		c(s)
	}
	api := w.admin.CoreV1().Secrets(w.namespace)
	_, err := api.Update(w.ctx, s, metav1.UpdateOptions{})
	if err != nil {
		_, err = api.Create(w.ctx, s, metav1.CreateOptions{})
	}
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) secret(name string) Object { return Object{Secret, w.namespace, name} }

// use prints what a user gets: a value, or what is wrong.
func (w *world) use(user string, names ...string) string {
	w.Helper()
	var objects []Object
	for _, name := range names {
		objects = append(objects, w.secret(name))
	}
	found, err := w.Use(w.ctx, User{Name: user}, objects...)
	if err != nil {
		w.Fatal(err)
	}
	var all []string
	for _, o := range objects {
		all = append(all, shown(found[o]))
	}
	return strings.Join(all, " ")
}

func shown(c Content) string {
	switch {
	case errors.Is(c.Err, fs.ErrNotExist):
		return "absent"
	case c.Err != nil:
		return "error"
	}
	return string(c.Data["k"].Reveal())
}

// until waits for a user to get something.
func (w *world) until(want, user string, names ...string) {
	w.Helper()
	got := ""
	err := wait.PollUntilContextCancel(w.ctx, 20*time.Millisecond, true, func(context.Context) (bool, error) {
		got = w.use(user, names...)
		return got == want, nil
	})
	if err != nil {
		w.Fatalf("%s gets %q, not %q", user, got, want)
	}
}

// isTold waits until a user was told n times.
func (w *world) isTold(user string, n int) {
	w.Helper()
	err := wait.PollUntilContextCancel(w.ctx, 20*time.Millisecond, true, func(context.Context) (bool, error) {
		return w.tellings(user) >= n, nil
	})
	if err != nil {
		w.Fatalf("%s was told %d times, not %d", user, w.tellings(user), n)
	}
}

func (w *world) tellings(user string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told[User{Name: user}]
}

// TestFollows: who uses an object is told of its changes, and nobody else is.
func TestFollows(t *testing.T) {
	w := newWorld(t, "")
	w.put("a", "1")
	w.put("b", "1")
	if got := w.use("one", "a", "b") + ", " + w.use("two", "b", "c"); got != "1 1, 1 absent" {
		t.Fatalf("got %s", got)
	}
	w.put("b", "2")
	w.isTold("one", 1)
	w.isTold("two", 1)
	w.put("c", "1") // comes
	w.isTold("two", 2)
	w.until("2 1", "two", "b", "c")
	if err := w.admin.CoreV1().Secrets(w.namespace).Delete(w.ctx, "c", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.isTold("two", 3)
	w.until("2 absent", "two", "b", "c")
	w.put("b", "2", func(s *corev1.Secret) { s.Labels = map[string]string{"a": "b"} }) // nothing that is read
	w.put("a", "2")
	w.isTold("one", 2)
	if one, two := w.tellings("one"), w.tellings("two"); one != 2 || two != 3 {
		t.Errorf("told %d and %d times", one, two)
	}
}

// TestLetsGo: what nobody uses any more is not followed.
func TestLetsGo(t *testing.T) {
	w := newWorld(t, "")
	w.put("a", "1")
	w.use("one", "a", "b")
	w.use("two", "a")
	w.use("one")
	if got := w.followed(); got != "a" {
		t.Errorf("followed: %s", got)
	}
	w.use("two", "b")
	if got := w.followed(); got != "b" {
		t.Errorf("followed: %s", got)
	}
	w.use("two")
	if got := w.followed(); got != "" {
		t.Errorf("followed: %s", got)
	}
	w.put("a", "2")
	if got := w.use("one", "a"); got != "2" { // anew
		t.Errorf("got %s", got)
	}
}

// TestAbandoned: whoever gives up before the watches have begun leaves none behind,
// for the next would wait for it for ever.
func TestAbandoned(t *testing.T) {
	w := newWorld(t, "")
	idle := &world{Follower: NewFollower(w.admin.CoreV1(), func(User) {}), T: t, ctx: w.ctx, admin: w.admin, namespace: w.namespace}
	ended, end := context.WithCancel(w.ctx)
	end()
	if found, err := idle.Use(ended, User{Name: "one"}, idle.secret("a"), idle.secret("b"), idle.secret("c")); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, %v", found, err)
	}
	if got := idle.followed(); got != "" {
		t.Errorf("followed: %s", got)
	}
}

func (w *world) followed() string {
	w.Follower.mu.Lock()
	defer w.Follower.mu.Unlock()
	var names []string
	for o := range maps.Keys(w.watches) {
		names = append(names, o.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestRefused: keys and credentials are nobody's to read, and nothing of them is kept.
func TestRefused(t *testing.T) {
	w := newWorld(t, "")
	label := func(name, value string) func(*corev1.Secret) {
		return func(s *corev1.Secret) { s.Labels = map[string]string{name: value} }
	}
	for i, c := range []func(*corev1.Secret){
		label("argocd.argoproj.io/secret-type", "repository"), label("argocd.argoproj.io/secret-type", "cluster"),
		label("argocd.argoproj.io/secret-type", ""), label("tidelock.io/secret-type", "sops-key"),
		label("tidelock.io/secret-type", "rollout-key"), label("tidelock.io/secret-type", "of-the-future"),
		label("sealedsecrets.bitnami.com/sealed-secrets-key", "active"), label("sealedsecrets.bitnami.com/sealed-secrets-key", "retired"),
		label("app.kubernetes.io/part-of", "argocd"),
		func(s *corev1.Secret) { s.Name = "argocd-secret" }, func(s *corev1.Secret) { s.Name = "argocd-initial-admin-secret" },
		func(s *corev1.Secret) { s.Type = corev1.SecretTypeBootstrapToken },
	} {
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("s%d", i)}, Type: corev1.SecretTypeOpaque}
		c(s)
		w.put(s.Name, "plain", c)
		for _, reader := range []interface {
			Use(ctx context.Context, user User, objects ...Object) (map[Object]Content, error)
		}{w.Follower, Reader{w.admin.CoreV1()}} {
			found, err := reader.Use(w.ctx, User{Name: "one"}, w.secret(s.Name))
			if content := found[w.secret(s.Name)]; err != nil || !errors.Is(content.Err, ErrRefused) || content.Data != nil {
				t.Errorf("%d: %v, %v", i, content, err)
			}
		}
	}
	// a Secret that is labelled while it is used
	w.put("late", "1")
	w.until("1", "one", "late")
	w.put("late", "1", label("argocd.argoproj.io/secret-type", "repository"))
	w.until("error", "one", "late")
}

// TestRights: what may not be read is said, and read as soon as it may. The rights to
// one object suffice for it.
func TestRights(t *testing.T) {
	w := newWorld(t, "limited")
	w.put("a", "1")
	found, err := w.Use(w.ctx, User{Name: "one"}, w.secret("a"))
	if content := found[w.secret("a")]; err != nil || content.Err == nil || !strings.Contains(content.Err.Error(), "the right to get, list and watch it is lacking") {
		t.Fatalf("%v, %v", content, err)
	}
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"a"}, Verbs: []string{"get", "list", "watch"},
	}}}
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "a"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "a"}, Subjects: []rbacv1.Subject{{Kind: "User", APIGroup: rbacv1.GroupName, Name: "limited"}}}
	if _, err := w.admin.RbacV1().Roles(w.namespace).Create(w.ctx, role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.admin.RbacV1().RoleBindings(w.namespace).Create(w.ctx, binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.isTold("one", 1)
	w.until("1", "one", "a")
}

// TestReads: a Reader answers as a Follower does, once; so do ConfigMaps.
func TestReads(t *testing.T) {
	w := newWorld(t, "")
	w.put("a", "1")
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "m"}, Data: map[string]string{"k": "text"}, BinaryData: map[string][]byte{"b": {1}}}
	if _, err := w.admin.CoreV1().ConfigMaps(w.namespace).Create(w.ctx, m, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	objects := []Object{w.secret("a"), w.secret("none"), {ConfigMap, w.namespace, "m"}, {ConfigMap, w.namespace, "none"}}
	var answers []string
	for _, use := range []func(context.Context, User, ...Object) (map[Object]Content, error){w.Use, Reader{w.admin.CoreV1()}.Use} {
		found, err := use(w.ctx, User{Name: "one"}, objects...)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, o := range objects {
			text += o.String() + " " + shown(found[o]) + fmt.Sprint(len(found[o].Data)) + "\n"
		}
		answers = append(answers, text)
	}
	want := "Secret reads/a 11\nSecret reads/none absent0\nConfigMap reads/m text2\nConfigMap reads/none absent0\n"
	if answers[0] != want || answers[1] != want {
		t.Errorf("got\n%s\n%s", answers[0], answers[1])
	}
}

// TestEnds: who waits is let go when the follower does not run.
func TestEnds(t *testing.T) {
	f := NewFollower(nil, func(User) {})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.Use(ctx, User{Name: "one"}, Object{Secret, "a", "b"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(f.watches) > 0 {
		t.Errorf("it follows %v", f.watches)
	}
}
