// Package notify tells people what becomes of Applications: by mail, chat, webhook and
// whatever else argoproj/notifications-engine knows.
//
// What is sent, to whom and when is said as Argo CD has it (SEMANTICS.md 2.11): by
// ConfigMap argocd-notifications-cm, Secret argocd-notifications-secret, and annotations
// notifications.argoproj.io/subscribe.TRIGGER.SERVICE of Applications and AppProjects.
// Triggers and templates of our own stand in stock.yaml, in the same form; whoever defines
// one of the same name replaces it.
//
// A namespace may have a configuration of its own for its Applications, beside that, if
// the administrator lets it (Options.Own).
//
// Each event is told at most once to each recipient. What was told stands in annotation
// notified.notifications.argoproj.io of the Application, in Argo CD's form, and is
// written before anything is sent, if nobody else has written meanwhile: of several
// agents one sends. One that dies between the two has told nothing, and nobody else does:
// a message is rather lost than repeated. For the same reason a receiver that does not
// answer in time is not asked again; one that refuses, or cannot be reached, is.
//
// Start with [Config.Evaluate], which is pure, and [Notifier.Between], which is called
// between the passes over an Application.
package notify
