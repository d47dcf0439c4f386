# Les mots des pages de la coordination en français. Chaque langue a les mêmes messages.

page-skip = Aller aux chiffres
page-only_here = Ces pages sont faites sur cette machine, de son propre dépôt ; rien n’est demandé à aucune autre.
page-close = Fermer ces pages
page-closed = Cette page est fermée
page-closed_next = Ouvrez-la avec un nouveau lien : lancez « kitbag dashboard » encore une fois. Un lien n’ouvre qu’une fois, pendant dix minutes.
page-failed = Impossible à afficher
page-overview = Vue d’ensemble
page-headline = { $period } : { $kits } kits remis, { $reversals } surdoses inversées
page-nothing_missing = On ne sait rien qui manque.
page-missing = { $number ->
    [one] On sait que { $number } entrée existe et n’est pas encore ici : elle manque à ces chiffres.
    [many] On sait que { $number } d’entrées existent et ne sont pas encore ici : elles manquent à ces chiffres.
   *[other] On sait que { $number } entrées existent et ne sont pas encore ici : elles manquent à ces chiffres.
}
page-waiting = { $number ->
    [one] { $number } entrée en attend d’autres et ne compte pas encore.
    [many] { $number } d’entrées en attendent d’autres et ne comptent pas encore.
   *[other] { $number } entrées en attendent d’autres et ne comptent pas encore.
}
page-in_doubt = { $number ->
    [one] { $number } fiche a une date peut-être fausse.
    [many] { $number } de fiches ont une date peut-être fausse.
   *[other] { $number } fiches ont une date peut-être fausse.
}
page-forks = { $number ->
    [one] { $number } journal a bifurqué : un téléphone a été restauré d’une copie, ou cloné.
    [many] { $number } de journaux ont bifurqué : des téléphones ont été restaurés de copies, ou clonés.
   *[other] { $number } journaux ont bifurqué : des téléphones ont été restaurés de copies, ou clonés.
}
page-synced = { $lately } téléphones sur { $all } se sont synchronisés ces sept derniers jours, d’après ce que le hub a dit en dernier.
page-period = Période
page-before = Avant
page-after = Après
page-by_month = Mois
page-by_quarter = Trimestre
page-by_year = Année
page-indicator = Indicateur
page-beside = Plein : cette période. Tirets : la précédente.
page-sites = Par lieu
page-site = Lieu
page-no_site = Aucun lieu indiqué
page-no_records = Rien n’a été saisi pour ces périodes.
page-phones = Téléphones
page-unnamed = Un téléphone sans nom
page-silent = { $number ->
    [one] muet depuis { $number } jour
    [many] muet depuis { $number } de jours
   *[other] muet depuis { $number } jours
}
page-never_synced = pas de synchronisation connue
page-stock = Stock
page-no_stock = Aucun stock n’a été saisi.
page-holder = Où
page-days_left = Dure, en jours
page-a_phone = Un téléphone
