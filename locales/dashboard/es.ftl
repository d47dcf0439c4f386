# Las palabras de las páginas de la coordinación en español. Cada idioma tiene los mismos mensajes.

page-skip = Ir a las cifras
page-only_here = Estas páginas se hacen en este equipo, con su propio almacén; no se pide nada a ningún otro.
page-close = Cerrar estas páginas
page-closed = Esta página está cerrada
page-closed_next = Ábrala con un enlace nuevo: ejecute «kitbag dashboard» otra vez. Un enlace abre una sola vez, durante diez minutos.
page-failed = No se pudo mostrar
page-overview = Resumen
page-headline = { $period }: { $kits } kits entregados, { $reversals } sobredosis revertidas
page-nothing_missing = No se sabe de nada que falte.
page-missing = { $number ->
    [one] Se sabe de { $number } entrada que aún no está aquí: a estas cifras les falta.
    [many] Se sabe de { $number } de entradas que aún no están aquí: a estas cifras les faltan.
   *[other] Se sabe de { $number } entradas que aún no están aquí: a estas cifras les faltan.
}
page-waiting = { $number ->
    [one] { $number } entrada espera a otras y aún no cuenta.
    [many] { $number } de entradas esperan a otras y aún no cuentan.
   *[other] { $number } entradas esperan a otras y aún no cuentan.
}
page-in_doubt = { $number ->
    [one] { $number } registro tiene una fecha que puede estar mal.
    [many] { $number } de registros tienen una fecha que puede estar mal.
   *[other] { $number } registros tienen una fecha que puede estar mal.
}
page-forks = { $number ->
    [one] { $number } diario se bifurcó: un teléfono se restauró de una copia o se clonó.
    [many] { $number } de diarios se bifurcaron: se restauraron teléfonos de copias o se clonaron.
   *[other] { $number } diarios se bifurcaron: se restauraron teléfonos de copias o se clonaron.
}
page-synced = { $lately } de { $all } teléfonos se sincronizaron en los últimos siete días, según lo último que dijo el hub.
page-period = Período
page-before = Antes
page-after = Después
page-by_month = Mes
page-by_quarter = Trimestre
page-by_year = Año
page-indicator = Indicador
page-beside = Relleno: este período. A rayas: el anterior.
page-sites = Por lugar
page-site = Lugar
page-no_site = Sin lugar indicado
page-no_records = No se registró nada en estos períodos.
page-phones = Teléfonos
page-unnamed = Un teléfono sin nombre
page-silent = { $number ->
    [one] en silencio desde hace { $number } día
    [many] en silencio desde hace { $number } de días
   *[other] en silencio desde hace { $number } días
}
page-never_synced = no se sabe que se haya sincronizado
page-stock = Existencias
page-no_stock = No se registraron existencias.
page-holder = Dónde
page-days_left = Dura, en días
page-a_phone = Un teléfono
