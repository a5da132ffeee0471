package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// A scenario is something that happens, times as often as it says.
type scenario struct {
	name  string
	about string
	times int
	// amid says that Applications of which the commits before have changed nothing may
	// still get to name them: that is spread over a minute, and a repository that
	// people work on is never without.
	amid bool
	do   func(*bench, context.Context) (time.Duration, error)
}

var scenarios = []scenario{
	{"cold", "create all Applications, until every object is there", 1, false, (*bench).cold},
	{"all", "a commit that changes every overlay", 1, false, (*bench).all},
	{"one", "a webhook of a commit that changes one overlay, until it is applied", 25, true, (*bench).one},
	{"drift", "an image that was changed by hand, until it is healed", 5, true, (*bench).drift},
	{"settle", "until every Application names the last commit", 1, true, (*bench).settle},
	{"idle", "nothing happens", 1, false, (*bench).rest},
	{"start", "agents that start, until they have looked at every Application", 3, false, (*bench).begin},
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

// chooseScenarios returns those that a comma-separated list names, in their own
// order. The others need what cold makes, so it is always one of them.
func chooseScenarios(list string) ([]scenario, error) {
	names := strings.Split(list, ",")
	for _, name := range names {
		if !slices.Contains(scenarioNames(), name) {
			return nil, fmt.Errorf("--scenarios: there is no %q, only %s", name, strings.Join(scenarioNames(), ","))
		}
	}
	return slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool {
		return s.name != "cold" && !slices.Contains(names, s.name)
	}), nil
}

func (b *bench) nextRevision() string {
	b.pushes++
	return strconv.Itoa(b.pushes)
}

func (b *bench) revision() string { return strconv.Itoa(b.pushes) }

// nextService takes turns, so that no service is measured twice.
func (b *bench) nextService() int {
	b.turn++
	return b.turn % b.options.services
}

// atOnce is how many Applications are created at a time.
const atOnce = 8

func (b *bench) cold(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	if err := b.createApplications(ctx, 0, b.options.services); err != nil {
		return 0, err
	}
	return b.untilDone(ctx, begun, countAt(b.revision(), b.options.services*objectsPerService), b.everyService()...)
}

func (b *bench) all(ctx context.Context) (time.Duration, error) {
	revision := b.nextRevision()
	for i := range b.options.services {
		if err := b.writeOverlay(i, revision); err != nil {
			return 0, err
		}
	}
	return b.pushed(ctx, countAt(revision, b.options.services*objectsPerService), b.everyService()...)
}

func (b *bench) one(ctx context.Context) (time.Duration, error) {
	revision := b.nextRevision()
	service := b.nextService()
	if err := b.writeOverlay(service, revision); err != nil {
		return 0, err
	}
	b.concerned = serviceName(service)
	return b.pushed(ctx, countAt(revision, objectsPerService), service)
}

// pushed pushes the work tree; time counts from the announcement on.
func (b *bench) pushed(ctx context.Context, done condition, services ...int) (time.Duration, error) {
	if _, err := b.repo.Push(ctx, "revision "+b.revision()); err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := b.repo.Announce(ctx, b.agents[0].Webhook()); err != nil {
		return 0, err
	}
	return b.untilDone(ctx, begun, done, services...)
}

func (b *bench) drift(ctx context.Context) (time.Duration, error) {
	service := b.nextService()
	name := serviceName(service)
	b.concerned = name
	before, err := b.lastOperation(ctx, service)
	if err != nil {
		return 0, err
	}
	patch := []byte(`[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"tampered"}]`)
	begun := time.Now()
	tampered, err := b.cluster.Typed.AppsV1().Deployments(b.options.namespace(service)).Patch(ctx, name, types.JSONPatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return 0, err
	}
	at, err := b.objects.until(ctx, generationAbove(tampered.Generation, service))
	if err != nil {
		return 0, errors.Join(err, b.describe(service))
	}
	// It was Synced at this commit before: that the operation has ended is what is new,
	// and an agent that was stopped before it has said so would begin it anew.
	return at.Sub(begun), b.cluster.UntilApplication(ctx, testenv.AgentNamespace, name, func(app *api.Application) bool {
		last := app.Status.OperationState
		return testenv.Synced(app) && !equality.Semantic.DeepEqual(last, before)
	})
}

// lastOperation is what the Application of a service tells of its last sync.
func (b *bench) lastOperation(ctx context.Context, service int) (*api.OperationState, error) {
	object, err := b.cluster.Dynamic.Resource(testenv.Applications).Namespace(testenv.AgentNamespace).Get(ctx, serviceName(service), metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	app, err := testenv.ReadApplication(object)
	if err != nil {
		return nil, err
	}
	return app.Status.OperationState, nil
}

// settle pays what the pushes before have left to do: the agent lets Applications
// of which a commit changes nothing name it later.
func (b *bench) settle(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	err := b.untilReported(ctx, b.everyService()...)
	return time.Since(begun), err
}

func (b *bench) rest(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	select {
	case <-time.After(b.options.idle):
		return time.Since(begun), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// begin ends the agents, which is not measured, and starts them.
func (b *bench) begin(ctx context.Context) (time.Duration, error) {
	for _, a := range b.agents {
		if err := a.Stop(); err != nil {
			return 0, err
		}
	}
	b.restarted = true
	begun := time.Now()
	g, starting := errgroup.WithContext(ctx)
	for _, a := range b.agents {
		g.Go(func() error { return a.Start(starting) })
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	for {
		looked, err := b.looked(ctx)
		if err != nil || looked == b.options.services {
			return time.Since(begun), err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return 0, fmt.Errorf("%d of %d Applications were looked at: %w", looked, b.options.services, context.Cause(ctx))
		}
	}
}

// looked is how many Applications the agents have looked at since they started.
func (b *bench) looked(ctx context.Context) (all int, err error) {
	for _, a := range b.agents {
		n, err := a.Looked(ctx)
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
}

func (b *bench) everyService() []int {
	all := make([]int, b.options.services)
	for i := range all {
		all[i] = i
	}
	return all
}

// untilDone waits for a condition, which ends the wall time, and then until the
// Applications of services say that they are Synced at the last commit.
func (b *bench) untilDone(ctx context.Context, begun time.Time, done condition, services ...int) (time.Duration, error) {
	at, err := b.objects.until(ctx, done)
	if err != nil {
		return 0, errors.Join(err, b.describe(services[0]))
	}
	return at.Sub(begun), b.untilReported(ctx, services...)
}

// describe says how an Application is, for who asks why nothing happens.
func (b *bench) describe(service int) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	object, err := b.cluster.Dynamic.Resource(testenv.Applications).Namespace(testenv.AgentNamespace).Get(ctx, serviceName(service), metav1.GetOptions{})
	if err != nil {
		return err
	}
	app, err := testenv.ReadApplication(object)
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %s", app.Name, testenv.Describe(app))
}

// untilReported follows one Application after the other: most are where they
// should be when their turn comes.
func (b *bench) untilReported(ctx context.Context, services ...int) error {
	for _, i := range services {
		if err := b.cluster.UntilApplication(ctx, testenv.AgentNamespace, serviceName(i), testenv.SyncedAt(b.repo.Head)); err != nil {
			return err
		}
	}
	return nil
}
