package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/install"
	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// argoVerbs do what Argo CD does, as far as others see it: objects under its field
// manager, with its marks, and the status of Applications.
var argoVerbs = []verb{
	{"argosync APP client|server FILE...: apply objects as Argo CD does, by a client-side or a server-side apply", 3, -1, (*scene).argoSync},
	{"argostatus APP COMMIT SYNC HEALTH [GROUP/KIND/NAME=SYNC,HEALTH...]: write the status of an Application as Argo CD does, with its objects, just now; without objects, those of the status before", 4, -1, (*scene).argoStatus},
	{"stopagent: end the agent as Kubernetes does; the next one may have other flags, and has the rights of its kind", 0, 0, (*scene).stopAgent},
	{"readonly: the agent has asked the API server for nothing but get, list and watch so far", 0, 0, (*scene).readOnly},
	{"shadow REGEXP: wait until what GET /shadow answers matches; negated: until it does not", 1, 1, (*scene).shadowSays},
	{"argocd [NAME=VALUE...]: start a real Argo CD for the agent's namespace; the first time, with variables", 0, -1, (*scene).startArgo},
	{"stopargocd: end it", 0, 0, (*scene).stopArgo},
	{"verdicts FILE: wait until what GET /shadow answers is this, as verdictsOf words it", 1, 1, (*scene).verdicts},
}

// argoManager is the field manager of Argo CD.
const argoManager = "argocd-controller"

// lastApplied is where a client-side apply keeps what it has applied.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

func (s *scene) argoSync(args []string) error {
	for _, file := range args[2:] {
		documents := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(s.file(file)), 4096)
		for {
			object := new(unstructured.Unstructured)
			err := documents.Decode(&object.Object)
			if errors.Is(err, io.EOF) {
				break
			}
			if err == nil {
				err = s.argoApply(args[0], args[1] == "server", object)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return nil
}

func (s *scene) argoApply(app string, serverSide bool, object *unstructured.Unstructured) error {
	gvk := object.GroupVersionKind()
	mapping, err := s.kinds.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return err
	}
	namespace := s.ts.Getenv("NS")
	client := dynamic.ResourceInterface(s.cluster.Dynamic.Resource(mapping.Resource))
	if mapping.Scope.Name() == "namespace" {
		client = s.cluster.Dynamic.Resource(mapping.Resource).Namespace(namespace)
		object.SetNamespace(namespace)
	}
	if gvk.Kind != "CustomResourceDefinition" {
		annotations := object.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[api.AnnotationTrackingID] = api.TrackingID{App: app, Group: gvk.Group, Kind: gvk.Kind, Namespace: namespace, Name: object.GetName()}.String()
		object.SetAnnotations(annotations)
	}
	if serverSide {
		_, err = client.Apply(s.ctx, object.GetName(), object, metav1.ApplyOptions{FieldManager: argoManager, Force: true})
		return err
	}
	text, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[lastApplied] = string(text)
	object.SetAnnotations(annotations)
	_, err = client.Create(s.ctx, object, metav1.CreateOptions{FieldManager: argoManager})
	return err
}

// argoStatus writes what the controller's persistAppStatus does.
func (s *scene) argoStatus(args []string) error {
	client := s.cluster.Dynamic.Resource(api.GroupVersion.WithResource("applications")).Namespace(s.namespace)
	live, err := client.Get(s.ctx, args[0], metav1.GetOptions{})
	if err != nil {
		return err
	}
	app := &api.Application{}
	text, err := live.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(text, app)
	}
	if err != nil {
		return err
	}
	now := metav1.NewTime(time.Now().Add(time.Second)) // times of objects are of whole seconds, too
	status := app.Status
	status.ReconciledAt, status.ControllerNamespace, status.SourceType = &now, s.namespace, api.SourceTypeDirectory
	status.Sync = api.SyncStatus{Status: api.SyncCode(args[2]), Revision: args[1], ComparedTo: app.Spec.ComparedTo()}
	status.Health = api.HealthStatus{Status: api.HealthCode(args[3])}
	if len(args) > 4 {
		status.Resources = nil
	}
	for _, arg := range args[4:] {
		object, verdict, _ := strings.Cut(arg, "=")
		sync, health, _ := strings.Cut(verdict, ",")
		parts := strings.Split(object, "/")
		if len(parts) != 3 {
			return fmt.Errorf("%s is not GROUP/KIND/NAME", object)
		}
		r := api.ResourceStatus{Group: parts[0], Version: "v1", Kind: parts[1], Namespace: s.ts.Getenv("NS"), Name: parts[2], Status: api.SyncCode(sync)}
		if health != "" {
			r.Health = &api.HealthStatus{Status: api.HealthCode(health)}
		}
		status.Resources = append(status.Resources, r)
	}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	_, err = client.Patch(s.ctx, args[0], types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "argocd-application-controller"})
	return err
}

func (s *scene) stopAgent([]string) error {
	err := s.agent.Stop()
	s.agent, s.running = nil, false
	return errors.Join(err, s.rights(install.Options{Namespace: s.namespace}))
}

// rights gives the agent those of an installation, and waits until they are in force.
func (s *scene) rights(o install.Options) error {
	if err := s.cluster.Install(s.ctx, o); err != nil {
		return err
	}
	scene := *s
	scene.neg = o.Shadow
	return scene.may([]string{s.namespace + "/" + install.Name, "delete", "configmaps", s.namespace})
}

// readOnly reads the audit log of the API server.
func (s *scene) readOnly([]string) error {
	requests, err := s.cluster.Audit.Of(testenv.ServiceAccountUser(s.namespace, install.Name)).Next()
	if err != nil {
		return err
	}
	read := 0
	for _, request := range slices.Sorted(maps.Keys(requests)) {
		switch verb, what, _ := strings.Cut(request, " "); {
		case verb == "get", verb == "list", verb == "watch":
			read += requests[request]
		case verb == "create" && strings.HasPrefix(what, "selfsubject"):
		default:
			return fmt.Errorf("the agent has asked for %s: %s", request, requests)
		}
	}
	if read == 0 {
		return errors.New("the audit log has nothing of the agent")
	}
	return nil
}

func (s *scene) shadowSays(args []string) error {
	pattern, err := regexp.Compile(expand(s.ts, args[0]))
	if err != nil {
		return err
	}
	var last []byte
	err = s.until("GET /shadow", func() (bool, error) {
		report, err := s.agent.Shadow(s.ctx)
		if err != nil {
			return false, err
		}
		last = report
		return pattern.Match(report) != s.neg, nil
	})
	if err != nil {
		err = fmt.Errorf("%w: it is\n%s", err, last)
	}
	return err
}
