package main

import (
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// event looks for an Event of an Application, or of an object of another kind.
func (s *scene) event(args []string) error {
	name, reason, kind := args[0], args[1], "Application"
	if len(args) > 3 {
		kind = args[3]
	}
	namespace := s.namespace
	if in, of, ok := strings.Cut(name, "/"); ok {
		namespace, name = in, of
	}
	pattern, err := regexp.Compile(args[2])
	if err != nil {
		return err
	}
	return s.until("an Event "+reason, func() (bool, error) {
		list, err := s.cluster.Typed.CoreV1().Events(namespace).List(s.ctx, metav1.ListOptions{
			FieldSelector: "involvedObject.kind=" + kind + ",involvedObject.name=" + name + ",reason=" + reason,
		})
		if err != nil {
			return false, err
		}
		for i := range list.Items {
			if pattern.MatchString(list.Items[i].Message) {
				return true, nil
			}
		}
		return false, nil
	})
}
