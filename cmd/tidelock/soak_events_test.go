package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// soakPatience is how long the agent may take to mend one thing that has happened, on a
// machine that has other things to do. Nothing in it waits for longer than two minutes.
const soakPatience = 4 * time.Minute

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// A soakEvent is something that happens to the agent, after which all is to be as it was.
type soakEvent struct {
	name string
	do   func(*soak, context.Context, *testing.T)
}

// soakEvents are those of a round.
var soakEvents = []soakEvent{
	{"a commit", (*soak).push},
	{"changes by hand", (*soak).drift},
	{"another token", (*soak).rotates},
	{"a token that is refused", (*soak).refused},
	{"watches end", (*soak).watchesEnd},
	{"watches miss something", (*soak).watchesMiss},
	{"the API server is silent", (*soak).silent},
	{"another API server", (*soak).restarts},
	{"plugins die at rest", (*soak).killed},
	{"plugins die at work", (*soak).killedAtWork},
	{"the Git server is restarted", (*soak).gitRestarts},
	{"the Git server is away", (*soak).gitAway},
	{"the Git server is silent", (*soak).gitSilent},
}

// aWhile is a moment in a round that is the only one, and up to a quarter of a minute in
// others: longer than a Lease lives.
func (s *soak) aWhile() {
	most := int64(500 * time.Millisecond)
	if len(s.rounds) > 0 && s.IntN(3) == 0 {
		most = int64(15 * time.Second)
	}
	time.Sleep(time.Duration(s.Int64N(most))) // no wait for anything: what happens next may come at any moment
}

// rotates puts another token in the place of the one that there is, which ends.
func (s *soak) rotates(ctx context.Context, t *testing.T) {
	s.tokens.rotate(ctx, t, s.cluster)
	s.push(ctx, t)
}

// refused has the agent use a token that the API server refuses, while there is work.
func (s *soak) refused(ctx context.Context, t *testing.T) {
	s.tokens.put(t, s.tokens.refused(ctx, t, s.cluster))
	s.drift(ctx, t)
	s.push(ctx, t)
	s.until(ctx, t, "requests are refused", func() (bool, error) {
		n, err := s.counted(ctx, `argocd_kubectl_requests_total{code="401"`)
		return n > s.tokens.answers, err
	})
	s.aWhile()
	s.tokens.rotate(ctx, t, s.cluster)
	s.settled(ctx, t)
	n, err := s.counted(ctx, `argocd_kubectl_requests_total{code="401"`)
	if err != nil {
		t.Fatal(err)
	}
	s.tokens.answers = n
}

// watchesEnd ends all connections to the API server. What happens then is to be seen.
func (s *soak) watchesEnd(ctx context.Context, t *testing.T) {
	s.network.Be(testenv.Refusing)
	s.network.Be(testenv.Open)
	s.drift(ctx, t)
}

// watchesMiss keeps the API server away for a while, and things change meanwhile.
func (s *soak) watchesMiss(ctx context.Context, t *testing.T) {
	s.away(ctx, t, testenv.Refusing)
}

// silent has the API server not answer for a while.
func (s *soak) silent(ctx context.Context, t *testing.T) {
	s.away(ctx, t, testenv.Hanging)
}

func (s *soak) away(ctx context.Context, t *testing.T, way testenv.Way) {
	t.Helper()
	s.network.Be(way)
	s.drift(ctx, t)
	s.push(ctx, t)
	s.aWhile()
	s.network.Be(testenv.Open)
}

// restarts puts another API server in the place of the one that there is: what the
// agent's watches have seen is too old for it, and things have changed meanwhile.
func (s *soak) restarts(ctx context.Context, t *testing.T) {
	s.network.Be(testenv.Refusing)
	s.drift(ctx, t)
	if err := s.cluster.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	s.push(ctx, t)
	s.network.Lead(hostOf(s.cluster.Config.Host))
	s.network.Be(testenv.Open)
}

// killed kills all plugins that have nothing to do.
func (s *soak) killed(ctx context.Context, t *testing.T) {
	s.killPlugins(t, 1)
	s.push(ctx, t)
}

// killedAtWork kills plugins while there is something to render.
func (s *soak) killedAtWork(ctx context.Context, t *testing.T) {
	for range 5 {
		s.push(ctx, t)
		time.Sleep(time.Duration(s.Int64N(int64(150 * time.Millisecond)))) // at any moment of a render
		s.killPlugins(t, 2)
	}
}

// killPlugins kills one in so many of the plugins.
func (s *soak) killPlugins(t *testing.T, in int) {
	t.Helper()
	pids, err := s.agent.Processes()
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		if err != nil || s.IntN(in) > 0 {
			continue // it has ended by itself
		}
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if base := filepath.Base(program); err == nil && (base != "tidelock" || strings.Contains(string(line), "\x00plugin\x00serve\x00")) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // likewise
		}
	}
}

// gitRestarts ends all connections to the Git server.
func (s *soak) gitRestarts(ctx context.Context, t *testing.T) {
	s.road.Be(testenv.Refusing)
	s.road.Be(testenv.Open)
	s.push(ctx, t)
}

// gitAway keeps the Git server away, though there is news of it.
func (s *soak) gitAway(ctx context.Context, t *testing.T) {
	s.gitGone(ctx, t, testenv.Refusing)
}

// gitSilent has the Git server not answer.
func (s *soak) gitSilent(ctx context.Context, t *testing.T) {
	s.gitGone(ctx, t, testenv.Hanging)
}

func (s *soak) gitGone(ctx context.Context, t *testing.T, way testenv.Way) {
	t.Helper()
	s.road.Be(way)
	s.push(ctx, t)
	s.drift(ctx, t)
	s.aWhile()
	if err := s.repo.Announce(ctx, s.agent.Webhook()); err != nil {
		t.Fatal(err)
	}
	s.road.Be(testenv.Open)
}

// soakTokens are the agent's, which are good for as long as the Secret that each is bound
// to is there, and for ten minutes at most.
type soakTokens struct {
	file    *testenv.TokenFile
	bound   *corev1.Secret
	count   int
	old     []soakToken
	shown   []string // to the agent, in this round
	answers float64  // with which tokens were refused so far
}

type soakToken struct {
	text string
	ends time.Time
}

func newSoakTokens(ctx context.Context, t *testing.T, cluster *testenv.Cluster, dir string) *soakTokens {
	t.Helper()
	k := &soakTokens{}
	token, _ := k.next(ctx, t, cluster)
	var err error
	if k.file, err = testenv.NewTokenFile(dir, token); err != nil {
		t.Fatal(err)
	}
	k.shown = append(k.shown, token)
	return k
}

// next returns another token, and the Secret that the one before is bound to.
func (k *soakTokens) next(ctx context.Context, t *testing.T, cluster *testenv.Cluster) (token string, before *corev1.Secret) {
	t.Helper()
	k.count++
	secrets := cluster.Typed.CoreV1().Secrets(soakNamespace)
	bound, err := secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("bound-", k.count)}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ends := time.Now().Add(testenv.ShortestToken + time.Minute)
	if token, err = cluster.BoundToken(ctx, soakNamespace, install.Name, testenv.ShortestToken, bound); err != nil {
		t.Fatal(err)
	}
	k.old = append(k.old, soakToken{token, ends})
	before, k.bound = k.bound, bound
	return token, before
}

func (k *soakTokens) put(t *testing.T, token string) {
	t.Helper()
	if err := k.file.Put(token); err != nil {
		t.Fatal(err)
	}
	k.shown = append(k.shown, token)
}

// rotate puts another token into the file, and has the one before end.
func (k *soakTokens) rotate(ctx context.Context, t *testing.T, cluster *testenv.Cluster) {
	t.Helper()
	token, before := k.next(ctx, t, cluster)
	k.put(t, token)
	if err := cluster.Typed.CoreV1().Secrets(soakNamespace).Delete(ctx, before.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// refused is a token that the API server refuses: one whose time is over, if there is one
// by now, and else one that is bound to what is gone.
func (k *soakTokens) refused(ctx context.Context, t *testing.T, cluster *testenv.Cluster) string {
	t.Helper()
	i := slices.IndexFunc(k.old, func(old soakToken) bool { return time.Now().After(old.ends) })
	if i >= 0 {
		return k.old[i].text
	}
	secrets := cluster.Typed.CoreV1().Secrets(soakNamespace)
	gone, err := secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "gone"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := cluster.BoundToken(ctx, soakNamespace, install.Name, testenv.ShortestToken, gone)
	if err != nil {
		t.Fatal(err)
	}
	if err := secrets.Delete(ctx, gone.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	return token
}

// forget drops tokens that have ended, but for one, and which were shown but the last.
func (k *soakTokens) forget() {
	k.shown = k.shown[len(k.shown)-1:]
	for len(k.old) > 1 && time.Now().After(k.old[1].ends) {
		k.old = k.old[1:]
	}
}
