package main

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/util/jsonpath"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// applicationFields are what waitapp compares.
var applicationFields = map[string]func(*api.Application) string{
	"sync":   func(app *api.Application) string { return string(app.Status.Sync.Status) },
	"health": func(app *api.Application) string { return string(app.Status.Health.Status) },
	"at":     func(app *api.Application) string { return app.Status.Sync.Revision },
	"phase":  func(app *api.Application) string { return string(operation(app).Phase) },
	"synced": func(app *api.Application) string { return resultOf(app).Revision },
	"retries": func(app *api.Application) string {
		return strconv.FormatInt(operation(app).RetryCount, 10)
	},
	"history": func(app *api.Application) string { return strconv.Itoa(len(app.Status.History)) },
}

func operation(app *api.Application) api.OperationState {
	if app.Status.OperationState == nil {
		return api.OperationState{}
	}
	return *app.Status.OperationState
}

func resultOf(app *api.Application) api.SyncResult {
	if result := operation(app).SyncResult; result != nil {
		return *result
	}
	return api.SyncResult{}
}

// waitApp waits until all FIELD=VALUE hold at once. The fields are the keys of
// applicationFields, and message~REGEXP.
func (s *scene) waitApp(args []string) error {
	met := func(app *api.Application) bool { return testenv.Synced(app) }
	if len(args) > 1 {
		var err error
		if met, err = criteria(args[1:]); err != nil {
			return err
		}
	}
	return s.untilApplication(args[0], met)
}

// untilApplication waits for NAME or NAMESPACE/NAME.
func (s *scene) untilApplication(object string, met func(*api.Application) bool) error {
	namespace, name, ok := strings.Cut(object, "/")
	if !ok {
		namespace, name = s.namespace, object
	}
	return s.cluster.UntilApplication(s.ctx, namespace, name, met)
}

func criteria(pairs []string) (func(*api.Application) bool, error) {
	var all []func(*api.Application) bool
	for _, pair := range pairs {
		if text, ok := strings.CutPrefix(pair, "message~"); ok {
			pattern, err := regexp.Compile(text)
			if err != nil {
				return nil, err
			}
			all = append(all, func(app *api.Application) bool { return pattern.MatchString(operation(app).Message) })
			continue
		}
		name, want, _ := strings.Cut(pair, "=")
		field := applicationFields[name]
		if field == nil {
			return nil, fmt.Errorf("an Application has no field %q", name)
		}
		all = append(all, func(app *api.Application) bool { return field(app) == want })
	}
	return func(app *api.Application) bool {
		for _, met := range all {
			if !met(app) {
				return false
			}
		}
		return true
	}, nil
}

func (s *scene) condition(args []string) error {
	kind := api.ConditionType(args[1])
	pattern, err := regexp.Compile(strings.Join(args[2:], ""))
	if err != nil {
		return err
	}
	return s.untilApplication(args[0], func(app *api.Application) bool {
		conditions := app.Status.Conditions
		if !s.neg {
			return len(conditions) == 1 && conditions[0].Type == kind && pattern.MatchString(conditions[0].Message)
		}
		for _, c := range conditions {
			if c.Type == kind {
				return false
			}
		}
		return true
	})
}

// live compares what a JSONPath like {.spec.replicas} gives.
func (s *scene) live(args []string) error {
	at, err := s.place(args[0], args[1])
	if err != nil {
		return err
	}
	if len(args) < 4 {
		return s.cluster.Until(s.ctx, at.resource, at.namespace, at.name, testenv.Present)
	}
	path := jsonpath.New("live").AllowMissingKeys(true)
	pattern, err := regexp.Compile("^(" + args[3] + ")$")
	if err := errors.Join(err, path.Parse(args[2])); err != nil {
		return err
	}
	return s.cluster.Until(s.ctx, at.resource, at.namespace, at.name, func(object *unstructured.Unstructured) (bool, string) {
		if object == nil {
			return false, "absent"
		}
		var value bytes.Buffer
		if err := path.Execute(&value, object.Object); err != nil {
			return false, err.Error()
		}
		return pattern.MatchString(value.String()), value.String()
	})
}

func (s *scene) gone(args []string) error {
	at, err := s.place(args[0], args[1])
	if err != nil {
		return err
	}
	return s.cluster.Until(s.ctx, at.resource, at.namespace, at.name, testenv.Absent)
}

func (s *scene) count(args []string) error {
	at, err := s.place(args[0], args[1]+"/")
	if err != nil {
		return err
	}
	want, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	var names []string
	err = s.until("count", func() (bool, error) {
		list, err := at.client(s).List(s.ctx, metav1.ListOptions{LabelSelector: api.LabelApp})
		if err != nil {
			return false, err
		}
		names = nil
		for _, object := range list.Items {
			names = append(names, object.GetName())
		}
		return len(names) == want, nil
	})
	if err != nil {
		return fmt.Errorf("%w: there are %d %s: %v", err, len(names), args[0], names)
	}
	return nil
}

func (s *scene) snapshot(args []string) error {
	version, err := s.version(args[0], args[1])
	s.versions[args[0]+" "+args[1]] = version
	return err
}

func (s *scene) untouched([]string) error {
	return s.remembered(func(object, before, now string) error {
		if now != before {
			return fmt.Errorf("%s was written to", object)
		}
		return nil
	})
}

func (s *scene) survived([]string) error {
	return s.remembered(func(object, before, now string) error {
		was, _, _ := strings.Cut(before, " ")
		if is, _, _ := strings.Cut(now, " "); is != was || is == "absent" {
			return fmt.Errorf("%s was deleted, or it is another one", object)
		}
		return nil
	})
}

// remembered compares what was remembered with what is now.
func (s *scene) remembered(compare func(object, before, now string) error) error {
	if len(s.versions) == 0 {
		return errors.New("nothing was remembered")
	}
	for object, before := range s.versions {
		resource, name, _ := strings.Cut(object, " ")
		now, err := s.version(resource, name)
		if err != nil {
			return err
		}
		if err := compare(object, before, now); err != nil {
			return err
		}
	}
	return nil
}

// version is "absent" or the identity and the resourceVersion of an object.
func (s *scene) version(resource, name string) (string, error) {
	at, err := s.place(resource, name)
	if err != nil {
		return "", err
	}
	object, err := at.client(s).Get(s.ctx, at.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "absent", nil
	}
	if err != nil {
		return "", err
	}
	return string(object.GetUID()) + " " + object.GetResourceVersion(), nil
}
