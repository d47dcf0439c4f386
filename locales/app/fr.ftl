# The words of the demo apps in French, beside those of Kitbag. Every language has the same messages; a test holds it.

## The app

app-label = Kitbag
app-harmless = Horloge
app-back = Retour
app-quick_exit = Sortie rapide
app-next = Suivant
app-done = Terminé
app-save = Enregistrer
app-stop = Arrêter
app-try_again = Réessayer
app-chosen = Choisi
app-yes = Oui
app-no = Non
app-today = Aujourd’hui
app-yesterday = Hier
app-me = Moi
app-colleague = Un collègue
app-outside = Hors du programme
app-file_failed = Le fichier ne peut être ni lu ni écrit. Vérifiez la place libre, et réessayez.
app-no_camera = L’appareil photo est inutilisable. Collez le texte de l’invitation.
app-camera_why = Pour scanner le code d’une invitation ou du téléphone d’un collègue.

## Who is on shift

app-who = Qui est de service ?
app-add_person = Ajouter une personne
app-on_shift_now = De service maintenant
app-not_joined = Pas encore membre
app-with_pin = S’ouvre avec un code PIN
app-name_title = Bienvenue
app-name_why = Comment ce téléphone doit-il vous appeler ? Un prénom ou une lettre suffit. Cela reste sur ce téléphone.
app-name = Nom sur ce téléphone
app-name_missing = Saisissez d’abord un nom : une lettre suffit.
app-switch = Service de quelqu’un d’autre

## Locked

app-locked = Verrouillé
app-pin = Code PIN
app-unlock = Déverrouiller
app-pin_forgotten = Code PIN oublié
app-pin_forgotten_try = Essayez ce dont vous vous souvenez : un code erroné ne fait qu’attendre. Rien n’est jamais effacé.
app-pin_forgotten_sent = Ce qui est envoyé est en sûreté sur le hub, et votre équipe l’a.
app-pin_forgotten_new = Si personne ne s’en souvient, ajoutez-vous de nouveau et demandez à la coordination une invitation à la place de ce téléphone. Ce qui n’est pas envoyé reste ici, verrouillé, au cas où le code reviendrait.
app-pin_wait_seconds = { $number ->
    [one] Attendez { $number } seconde. Rien n’est perdu.
    [many] Attendez { $number } de secondes. Rien n’est perdu.
   *[other] Attendez { $number } secondes. Rien n’est perdu.
}
app-pin_wait_minutes = { $number ->
    [one] Attendez { $number } minute. Rien n’est perdu.
    [many] Attendez { $number } de minutes. Rien n’est perdu.
   *[other] Attendez { $number } minutes. Rien n’est perdu.
}
app-key_gone_title = La clé a disparu
app-key_gone = Le téléphone a oublié la clé qui ouvre ce qui est enregistré ici. Un nouveau verrouillage d’écran ou un téléphone restauré en est la cause.
app-key_gone_next = Ce qui est envoyé est en sûreté sur le hub. Rien n’a été effacé ici. Redémarrez le téléphone et réessayez ; sinon, ajoutez-vous de nouveau et demandez à la coordination une invitation à la place de ce téléphone.
app-not_opened = Cela ne s’ouvre pas
app-recover_what = Un nouveau stockage est fait pour vous, avec tout ce qui peut encore être lu. L’abîmé est gardé, et le hub apporte le reste.
app-recover = Récupérer
app-recovered = { $number ->
    [one] Récupéré : { $number } entrée de vous est ici. La prochaine synchronisation apporte le reste.
    [many] Récupéré : { $number } d’entrées de vous sont ici. La prochaine synchronisation apporte le reste.
   *[other] Récupéré : { $number } entrées de vous sont ici. La prochaine synchronisation apporte le reste.
}

## Joining

app-join_title = Rejoindre un programme
app-join_how = Scannez l’invitation que la coordination vous montre, ou collez son texte.
app-join_old_phone = Un nouveau téléphone à la place d’un autre ? Dites-le à la coordination : vous pourrez corriger ce que vous avez saisi avant.
app-invitation = Invitation
app-invitation_missing = Scannez d’abord une invitation ou collez son texte.
app-scan = Scanner
app-join = Rejoindre
app-digits_title = En attente de la coordination
app-digits_how = Lisez ces chiffres à la coordination, qui vous laisse entrer s’ils sont les mêmes.
app-join_as_worker = Vous rejoignez en tant qu’intervenant.
app-join_as_coordinator = Vous rejoignez en tant que coordination.
app-wait_on = Continuer d’attendre
app-other_invitation = Utiliser une autre invitation
app-invite = Inviter quelqu’un
app-invite_how = Comment l’équipe appellera-t-elle le téléphone de cette personne ? Pas un nom complet.
app-invite_place = Un nouveau téléphone à la place de l’ancien de :
app-invite_show = Laissez le nouveau téléphone scanner ceci dans les dix minutes.
app-invite_digits = Saisissez les six chiffres que montre le nouveau téléphone. Ne le laissez entrer que si vous voyez ce téléphone.
app-digits = Six chiffres
app-let_in = Laisser entrer
app-leave_team = Quitter l’équipe
app-leave_what = Tout ce qui est de l’équipe est effacé de ce téléphone, une fois que le hub a ce que vous avez saisi.
app-leave_drafts = { $number ->
    [one] { $number } fiche a été commencée et pas enregistrée. Elle est jetée aussi.
    [many] { $number } de fiches ont été commencées et pas enregistrées. Elles sont jetées aussi.
   *[other] { $number } fiches ont été commencées et pas enregistrées. Elles sont jetées aussi.
}
app-leave_sync_first = Tout n’est pas envoyé. Synchronisez d’abord.

## Today

app-give_naloxone = Naloxone remise
app-overdose = Surdose inversée
app-referral = Orientation
app-referrals = Orientations en cours
app-history = Historique
app-totals = Totaux
app-other_record = Saisir autre chose
app-more = Plus
app-begun = Commencé
app-my_bag = Dans le sac
app-bag_empty = Rien n’est noté. Saisissez ce que vous avez pris du stock.
app-kits = { $number ->
    [one] { $number } kit
    [many] { $number } de kits
   *[other] { $number } kits
}
app-doses = { $number ->
    [one] { $number } dose
    [many] { $number } de doses
   *[other] { $number } doses
}
app-safe_here = En sûreté sur ce téléphone.
app-sent = Envoyé { $when }.
app-just_now = à l’instant
app-minutes_ago = { $number ->
    [one] il y a { $number } minute
    [many] il y a { $number } de minutes
   *[other] il y a { $number } minutes
}
app-today_at = aujourd’hui à { $time }
app-yesterday_at = hier à { $time }
app-on_day = le { $day }
app-not_sent = { $number ->
    [one] { $number } pas encore envoyé.
    [many] { $number } pas encore envoyés.
   *[other] { $number } pas encore envoyés.
}
app-not_sent_since = { $number ->
    [one] { $number } pas encore envoyé, depuis : { $when }.
    [many] { $number } pas encore envoyés, depuis : { $when }.
   *[other] { $number } pas encore envoyés, depuis : { $when }.
}
app-never_synced = Pas encore synchronisé avec le hub.
app-tried_again = Nouvel essai : { $time }.
app-clock_off = L’horloge du téléphone est fausse. Réglez-la dans les paramètres ; d’ici là, dites le jour vous-même.
app-aside = { $number ->
    [one] Le hub ne compte pas encore { $number } entrée de vous. Demandez à la coordination de laisser entrer ce téléphone.
    [many] Le hub ne compte pas encore { $number } d’entrées de vous. Demandez à la coordination de laisser entrer ce téléphone.
   *[other] Le hub ne compte pas encore { $number } entrées de vous. Demandez à la coordination de laisser entrer ce téléphone.
}
app-aside_revoked = { $number ->
    [one] Ce téléphone n’est plus dans l’équipe : { $number } entrée ne compte pas. Rien n’est perdu ; demandez à la coordination de l’accepter.
    [many] Ce téléphone n’est plus dans l’équipe : { $number } d’entrées ne comptent pas. Rien n’est perdu ; demandez à la coordination de les accepter.
   *[other] Ce téléphone n’est plus dans l’équipe : { $number } entrées ne comptent pas. Rien n’est perdu ; demandez à la coordination de les accepter.
}
app-uncertified = Ce téléphone n’est pas dans l’équipe, ou ne l’est plus. Ce que vous saisissez est gardé. Demandez à la coordination.
app-go_on = Continuer
app-throw_away = Jeter

## Recording

app-more_questions = Plus de questions
app-take_back = Retirer cette réponse
app-no_answer = Pas de réponse
app-sealed = Illisible sur ce téléphone
app-resupply = Renouvellement : { $reason }
app-typed_date = { $field } (aaaa-mm-jj)
app-typed_month = { $field } (aaaa-mm)
app-typed_time = { $field } (hh:mm)
app-doses_unknown = Nombre de doses inconnu
app-none_given = Pas de naloxone donnée
app-saved = { $number ->
    [one] Enregistré.
    [many] { $number } enregistrés.
   *[other] { $number } enregistrés.
}
app-more_alike = Encore la même chose
app-more_like_this = { $number ->
    [one] Encore { $number } comme celui-ci
    [many] Encore { $number } comme celui-ci
   *[other] Encore { $number } comme celui-ci
}
app-undo = { $number ->
    [one] Annuler ({ $number } seconde)
    [many] Annuler ({ $number } secondes)
   *[other] Annuler ({ $number } secondes)
}
app-undone = Annulé. Cela ne compte nulle part.

## A reversal

app-call_first = Si vous pouvez, appelez d’abord une ambulance.
app-goes_on = C’est en cours
app-is_over = C’est fini
app-minutes_since_start = { $number ->
    [one] { $number } minute depuis le début
    [many] { $number } de minutes depuis le début
   *[other] { $number } minutes depuis le début
}
app-dose_number = Dose { $number }
app-after_minutes = { $number ->
    [one] après { $number } minute
    [many] après { $number } de minutes
   *[other] après { $number } minutes
}
app-dose_given = Dose donnée
app-take_back_dose = Retirer la dernière dose
app-finish_now = C’est fini : répondre au reste
app-steps = Ce qui aide
app-step_ems_called = Appeler une ambulance
app-step_rescue_breathing = Libérer les voies, insuffler
app-step_wait = Pas de respiration après 2 à 3 minutes : une autre dose
app-step_recovery_position = Respire : coucher sur le côté
app-step_stayed_with_person = Rester : cela peut revenir

## Referrals

app-no_open_referrals = Aucune orientation en cours.
app-what_happened = Que s’est-il passé ?
app-see_record = Voir toute la fiche
app-something_else = Autre chose

## History

app-records_found = { $number ->
    [one] { $number } fiche
    [many] { $number } de fiches
   *[other] { $number } fiches
}
app-older = Plus anciennes
app-newer = Plus récentes
app-search = Chercher
app-search_close = Fermer la recherche
app-only_mine = Seulement les miennes
app-only_needing = Seulement ce qui est à regarder
app-from_day = À partir de ce jour
app-state_void = Annulée
app-state_duplicate = Comptée ailleurs
app-two_values = Deux réponses
app-date_in_doubt = Date douteuse
app-refused = Ne compte pas
app-waits = Pas encore envoyée
app-changes = Changements
app-void_now = Annulée : elle ne compte nulle part.
app-duplicate_now = Une autre fiche du même évènement compte à sa place.
app-choose_value = Deux personnes ont répondu chacune de leur côté. Choisissez la bonne réponse.
app-counts_now = Compte maintenant
app-date_in_doubt_what = Sa date est peut-être fausse. Elle compte ; regardez la date, et corrigez-la.
app-refused_coordinator = Une partie ne compte pas. Demandez à la coordination de l’accepter.
app-refused_arrival = Une partie attend une entrée qui n’est pas encore ici. Synchronisez.
app-refused_nobody = Une partie ne compte pas. Saisissez-la de nouveau.
app-waits_safe = Pas encore envoyée. En sûreté sur ce téléphone.
app-on_hub = Le hub l’a.
app-aside_one = Le hub ne la compte pas. Demandez à la coordination.
app-void = L’annuler
app-void_why = Pourquoi ne compte-t-elle pas ?
app-void_what = Elle reste dans l’historique, et ne compte nulle part.
app-clear_void = La compter de nouveau
app-undo_last = Annuler mon dernier changement
app-correct_other = Corriger une réponse
app-correct_what = La réponse d’avant reste dans l’historique.

## Totals

app-whole_team = Toute l’équipe
app-this_month = Ce mois-ci
app-last_month = Le mois dernier
app-of_last_month = { $site }, le mois dernier
app-other_sites = { $number ->
    [one] { $number } autre lieu
    [many] { $number } d’autres lieux
   *[other] { $number } autres lieux
}
app-no_site = Sans site
app-nothing_missing = Rien ne manque, pour autant qu’on sache.
app-known_missing = { $number ->
    [one] { $number } entrée connue n’est pas encore ici (téléphones : { $devices }). Elle manque dans ces chiffres.
    [many] { $number } d’entrées connues ne sont pas encore ici (téléphones : { $devices }). Elles manquent dans ces chiffres.
   *[other] { $number } entrées connues ne sont pas encore ici (téléphones : { $devices }). Elles manquent dans ces chiffres.
}
app-waiting_to_count = { $number ->
    [one] { $number } entrée en attend d’autres et ne compte pas encore.
    [many] { $number } d’entrées en attendent d’autres et ne comptent pas encore.
   *[other] { $number } entrées en attendent d’autres et ne comptent pas encore.
}
app-dates_in_doubt = { $number ->
    [one] { $number } fiche a une date peut-être fausse.
    [many] { $number } de fiches ont une date peut-être fausse.
   *[other] { $number } fiches ont une date peut-être fausse.
}
app-of_spans = { $number ->
    [one] { $number } fiche vaut pour plusieurs jours ; elle compte le dernier.
    [many] { $number } de fiches valent pour plusieurs jours ; elles comptent le dernier.
   *[other] { $number } fiches valent pour plusieurs jours ; elles comptent le dernier.
}

## Sync

app-sync = Synchronisation
app-sync_now = Synchroniser
app-syncing = Synchronisation …
app-working = En cours …
app-synced = Le hub et ce téléphone ont la même chose.
app-progress = { $done } sur { $all } entrées
app-background_never = Elle n’a pas encore eu lieu d’elle-même. Le téléphone le permet quand il y a du réseau.
app-background_ran = Elle a eu lieu d’elle-même { $when }.
app-background_pin = Tant qu’un code PIN verrouille, rien ne se synchronise de soi-même : ouvrez de temps en temps.
app-without_hub = Sans le hub
app-send_file = Envoyer par fichier
app-send_file_what = Ce qui attend va dans un fichier que seule votre équipe peut lire. Donnez-le à un collègue qui atteint un réseau.
app-send_file_captured = Ce téléphone ne fait que saisir : son fichier n’est accepté que par un téléphone synchronisé après la dernière synchronisation de celui-ci.
app-receive_file = Recevoir un fichier
app-receive_file_what = Prendre ce que le téléphone d’un collègue a écrit.
app-announce = Montrer ce que j’ai
app-announce_what = Le téléphone d’un collègue le scanne, et l’équipe sait ce qui doit encore arriver.
app-announce_how = Laissez le téléphone d’un collègue scanner ceci.
app-hear = Scanner ce qu’a un collègue
app-hear_what = L’équipe sait alors ce qui doit encore arriver de ce téléphone.
app-heard = Entendu. La prochaine synchronisation le transmet.
app-not_announced = Ce n’est pas ce qu’un autre téléphone montre sous « Montrer ce que j’ai ». Scannez de nouveau.
app-file_written = Le fichier est écrit. Cela reste non envoyé jusqu’à ce que le hub l’ait.
app-file_taken = { $number ->
    [one] Reçu : { $number } nouvelle entrée.
    [many] Reçu : { $number } de nouvelles entrées.
   *[other] Reçu : { $number } nouvelles entrées.
}
app-turned_away = { $number ->
    [one] { $number } entrée du fichier n’a pas été prise. Redemandez le fichier, ou synchronisez.
    [many] { $number } d’entrées du fichier n’ont pas été prises. Redemandez le fichier, ou synchronisez.
   *[other] { $number } entrées du fichier n’ont pas été prises. Redemandez le fichier, ou synchronisez.
}

## Protection

app-protection = Protection
app-has_pin = Un code PIN protège ce que vous avez saisi. Verrouillage automatique après cinq minutes.
app-no_pin = Sans code PIN, qui déverrouille ce téléphone peut lire ce que vous avez saisi.
app-pin_set = Définir un code PIN
app-pin_change = Changer le code PIN
app-pin_remove = Retirer le code PIN
app-pin_what = Six caractères ou plus. Personne ne peut le réinitialiser, et rien n’est jamais effacé.
app-pin_old = Code PIN actuel
app-pin_new = Nouveau code PIN
app-pin_again = Nouveau code PIN, encore une fois
app-pin_differs = Les deux nouveaux codes diffèrent. Saisissez-les de nouveau.
app-lock_now = Verrouiller maintenant
app-capture_only = Saisie seule
app-capture_only_begin = Ne rien garder d’envoyé
app-capture_only_short = Qui prend ce téléphone ne lit alors que ce qui attend.
app-capture_only_now = Ce téléphone ne fait que saisir : ce qui est envoyé ne peut y être lu.
app-capture_only_programme = Votre programme veut que ce téléphone ne fasse que saisir : ce qui est envoyé ne peut y être lu.
app-capture_only_workers = Le téléphone d’une coordination garde ce qu’il a : l’équipe compte dessus.
app-capture_only_what = Dès que le hub a une fiche, son contenu est effacé de ce téléphone, et aucune de collègues n’y entre.
app-capture_only_no_totals = L’historique et les totaux ne montrent alors que ce qui n’est pas envoyé. On corrige sur un autre téléphone.
app-capture_only_hub = Si le hub perdait ses dernières données, ce téléphone ne peut renvoyer ce qu’il a effacé : un collègue ou la coordination doit l’avoir.
app-capture_only_for_good = Cela ne s’annule pas ici : pour relire, rejoignez de nouveau avec une invitation à la place de ce téléphone.
app-capture_only_totals = Ce téléphone ne fait que saisir : il n’a pas de totaux. Demandez-les à la coordination.
app-quick_exit_how = La porte en haut de chaque écran mène aussitôt à une horloge, et verrouille.

## About

app-about = Ce qui est sûr, et ce qui ne l’est pas
app-about_safe = Sûr
app-about_safe_1 = Ce qui est enregistré le reste : une batterie vide ou une application tuée n’y change rien.
app-about_safe_2 = Tout est chiffré sur ce téléphone, et en chemin. Seule votre équipe peut lire les notes.
app-about_safe_3 = Avec un code PIN, qui trouve ou prend ce téléphone ne lit rien tant qu’il est verrouillé.
app-about_safe_4 = Ce qui est envoyé est sur le hub : un téléphone perdu n’en perd rien.
app-about_not_safe = Pas sûr
app-about_not_safe_1 = Ce qui n’est pas encore envoyé n’est que sur ce téléphone. Synchronisez quand vous pouvez.
app-about_not_safe_2 = Sans code PIN, qui déverrouille ce téléphone lit ce qui est ici.
app-about_not_safe_3 = Qui vous force à le déverrouiller lit ce qui est ici. Utilisez la sortie rapide avant.
app-about_not_safe_4 = On peut voir que cette application est sur votre téléphone. Téléphone perdu : dites-le aussitôt à la coordination, qui l’exclut.
