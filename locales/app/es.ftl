# The words of the demo apps in Spanish, beside those of Kitbag. Every language has the same messages; a test holds it.

## The app

app-label = Kitbag
app-harmless = Reloj
app-back = Atrás
app-quick_exit = Salida rápida
app-next = Siguiente
app-done = Listo
app-save = Guardar
app-stop = Detener
app-try_again = Intentar de nuevo
app-chosen = Elegido
app-yes = Sí
app-no = No
app-today = Hoy
app-yesterday = Ayer
app-me = Yo
app-colleague = Un colega
app-outside = Fuera del programa
app-file_failed = El archivo no se puede leer ni escribir. Compruebe el espacio libre e inténtelo de nuevo.
app-no_camera = La cámara no se puede usar. Pegue el texto de la invitación.
app-camera_why = Para escanear el código de una invitación o del teléfono de un colega.

## Who is on shift

app-who = ¿Quién está de turno?
app-add_person = Añadir una persona
app-on_shift_now = De turno ahora
app-not_joined = Aún no se ha unido
app-with_pin = Se abre con un PIN
app-name_title = Bienvenida
app-name_why = ¿Cómo debe llamarle este teléfono? Basta un nombre de pila o una letra. Se queda en este teléfono.
app-name = Nombre en este teléfono
app-name_missing = Escriba primero un nombre: basta una letra.
app-switch = Turno de otra persona

## Locked

app-locked = Bloqueado
app-pin = PIN
app-unlock = Desbloquear
app-pin_forgotten = Olvidé el PIN
app-pin_forgotten_try = Pruebe lo que recuerde: un PIN erróneo solo hace esperar. Nunca se borra nada.
app-pin_forgotten_sent = Lo enviado está a salvo en el hub, y su equipo lo tiene.
app-pin_forgotten_new = Si nadie lo recuerda, añádase de nuevo y pida a su coordinación una invitación en lugar de este teléfono. Lo que no se envió sigue aquí, bloqueado, por si el PIN reaparece.
app-pin_wait_seconds = { $number ->
    [one] Espere { $number } segundo. No se pierde nada.
    [many] Espere { $number } de segundos. No se pierde nada.
   *[other] Espere { $number } segundos. No se pierde nada.
}
app-pin_wait_minutes = { $number ->
    [one] Espere { $number } minuto. No se pierde nada.
    [many] Espere { $number } de minutos. No se pierde nada.
   *[other] Espere { $number } minutos. No se pierde nada.
}
app-key_gone_title = La clave ya no está
app-key_gone = El teléfono olvidó la clave que abre lo guardado aquí. Pasa con un nuevo bloqueo de pantalla o un teléfono restaurado.
app-key_gone_next = Lo enviado está a salvo en el hub. Aquí no se borró nada. Reinicie el teléfono e inténtelo de nuevo; si sigue así, añádase otra vez y pida a su coordinación una invitación en lugar de este teléfono.
app-not_opened = No se abre
app-recover_what = Se hace un almacén nuevo con todo lo que aún se puede leer. El dañado se conserva, y el hub trae el resto.
app-recover = Recuperar
app-recovered = { $number ->
    [one] Recuperado: { $number } entrada suya está aquí. La próxima sincronización trae el resto.
    [many] Recuperado: { $number } de entradas suyas están aquí. La próxima sincronización trae el resto.
   *[other] Recuperado: { $number } entradas suyas están aquí. La próxima sincronización trae el resto.
}

## Joining

app-join_title = Unirse a un programa
app-join_how = Escanee la invitación que le muestra su coordinación, o pegue su texto.
app-join_old_phone = ¿Un teléfono nuevo en lugar de otro? Dígalo a su coordinación: así podrá corregir lo que registró antes.
app-invitation = Invitación
app-invitation_missing = Escanee primero una invitación o pegue su texto.
app-scan = Escanear
app-join = Unirse
app-digits_title = Esperando a su coordinación
app-digits_how = Lea estas cifras a su coordinación, que le deja entrar si son las mismas.
app-join_as_worker = Se une como trabajador o trabajadora.
app-join_as_coordinator = Se une como coordinación.
app-wait_on = Seguir esperando
app-other_invitation = Usar otra invitación
app-invite = Invitar a alguien
app-invite_how = ¿Cómo llamará el equipo al teléfono de esta persona? No un nombre completo.
app-invite_place = Un teléfono nuevo en lugar del antiguo de:
app-invite_show = Deje que el teléfono nuevo escanee esto en diez minutos.
app-invite_digits = Escriba las seis cifras que muestra el teléfono nuevo. Déjelo entrar solo si ve ese teléfono.
app-digits = Seis cifras
app-let_in = Dejar entrar
app-leave_team = Dejar el equipo
app-leave_what = Todo lo del equipo se borra de este teléfono, en cuanto el hub tenga lo que usted registró.
app-leave_drafts = { $number ->
    [one] Se empezó { $number } registro sin guardarlo. También se descarta.
    [many] Se empezaron { $number } de registros sin guardarlos. También se descartan.
   *[other] Se empezaron { $number } registros sin guardarlos. También se descartan.
}
app-leave_sync_first = No todo se envió. Sincronice primero.

## Today

app-give_naloxone = Naloxona entregada
app-overdose = Sobredosis revertida
app-referral = Derivación
app-referrals = Derivaciones abiertas
app-history = Historial
app-totals = Totales
app-other_record = Registrar otra cosa
app-more = Más
app-begun = Empezado
app-my_bag = En la bolsa
app-bag_empty = No hay nada anotado. Registre lo que tomó de las existencias.
app-kits = { $number ->
    [one] { $number } kit
    [many] { $number } de kits
   *[other] { $number } kits
}
app-doses = { $number ->
    [one] { $number } dosis
    [many] { $number } de dosis
   *[other] { $number } dosis
}
app-safe_here = A salvo en este teléfono.
app-sent = Enviado { $when }.
app-just_now = ahora mismo
app-minutes_ago = { $number ->
    [one] hace { $number } minuto
    [many] hace { $number } de minutos
   *[other] hace { $number } minutos
}
app-today_at = hoy a las { $time }
app-yesterday_at = ayer a las { $time }
app-on_day = el { $day }
app-not_sent = { $number ->
    [one] { $number } sin enviar.
    [many] { $number } sin enviar.
   *[other] { $number } sin enviar.
}
app-not_sent_since = { $number ->
    [one] { $number } sin enviar, desde: { $when }.
    [many] { $number } sin enviar, desde: { $when }.
   *[other] { $number } sin enviar, desde: { $when }.
}
app-never_synced = Aún no se sincronizó con el hub.
app-tried_again = Se intenta de nuevo: { $time }.
app-clock_off = El reloj del teléfono está mal. Póngalo en hora en los ajustes; hasta entonces, diga usted el día.
app-aside = { $number ->
    [one] El hub aún no cuenta { $number } entrada suya. Pida a su coordinación que admita este teléfono.
    [many] El hub aún no cuenta { $number } de entradas suyas. Pida a su coordinación que admita este teléfono.
   *[other] El hub aún no cuenta { $number } entradas suyas. Pida a su coordinación que admita este teléfono.
}
app-aside_revoked = { $number ->
    [one] Este teléfono ya no está en el equipo: { $number } entrada no cuenta. No se pierde nada; pida a su coordinación que la acepte.
    [many] Este teléfono ya no está en el equipo: { $number } de entradas no cuentan. No se pierde nada; pida a su coordinación que las acepte.
   *[other] Este teléfono ya no está en el equipo: { $number } entradas no cuentan. No se pierde nada; pida a su coordinación que las acepte.
}
app-uncertified = Este teléfono no está en el equipo, o ya no. Lo que registre se conserva. Pregunte a su coordinación.
app-go_on = Continuar
app-throw_away = Desechar

## Recording

app-more_questions = Más preguntas
app-take_back = Retirar esta respuesta
app-no_answer = Sin respuesta
app-sealed = No se puede leer en este teléfono
app-resupply = Reposición: { $reason }
app-typed_date = { $field } (aaaa-mm-dd)
app-typed_month = { $field } (aaaa-mm)
app-typed_time = { $field } (hh:mm)
app-doses_unknown = Dosis desconocidas
app-none_given = No se dio naloxona
app-saved = { $number ->
    [one] Guardado.
    [many] { $number } guardados.
   *[other] { $number } guardados.
}
app-more_alike = Otra vez lo mismo
app-more_like_this = { $number ->
    [one] { $number } más como este
    [many] { $number } más como este
   *[other] { $number } más como este
}
app-undo = { $number ->
    [one] Deshacer ({ $number } segundo)
    [many] Deshacer ({ $number } segundos)
   *[other] Deshacer ({ $number } segundos)
}
app-undone = Deshecho. No cuenta en ninguna parte.

## A reversal

app-call_first = Si puede, llame primero a una ambulancia.
app-goes_on = Está pasando ahora
app-is_over = Ya pasó
app-minutes_since_start = { $number ->
    [one] { $number } minuto desde el comienzo
    [many] { $number } de minutos desde el comienzo
   *[other] { $number } minutos desde el comienzo
}
app-dose_number = Dosis { $number }
app-after_minutes = { $number ->
    [one] a { $number } minuto
    [many] a { $number } de minutos
   *[other] a los { $number } minutos
}
app-dose_given = Dosis dada
app-take_back_dose = Retirar la última dosis
app-finish_now = Ya pasó: responder al resto
app-steps = Lo que ayuda
app-step_ems_called = Llamar a una ambulancia
app-step_rescue_breathing = Abrir la vía aérea, dar respiraciones
app-step_wait = Sin respiración tras 2 a 3 minutos: otra dosis
app-step_recovery_position = Si respira: poner de lado
app-step_stayed_with_person = Quedarse: puede volver

## Referrals

app-no_open_referrals = No hay derivaciones abiertas.
app-what_happened = ¿Qué pasó?
app-see_record = Ver el registro entero
app-something_else = Otra cosa

## History

app-records_found = { $number ->
    [one] { $number } registro
    [many] { $number } de registros
   *[other] { $number } registros
}
app-older = Anteriores
app-newer = Posteriores
app-search = Buscar
app-search_close = Cerrar la búsqueda
app-only_mine = Solo lo mío
app-only_needing = Solo lo que pide una mirada
app-from_day = Desde este día
app-state_void = Anulado
app-state_duplicate = Cuenta en otro
app-two_values = Dos respuestas
app-date_in_doubt = Fecha en duda
app-refused = No cuenta
app-waits = Sin enviar
app-changes = Cambios
app-void_now = Anulado: no cuenta en ninguna parte.
app-duplicate_now = En su lugar cuenta otro registro del mismo hecho.
app-choose_value = Dos personas respondieron por separado. Elija la respuesta correcta.
app-counts_now = Cuenta ahora
app-date_in_doubt_what = Su fecha puede estar mal. Cuenta; mire la fecha y corríjala.
app-refused_coordinator = Algo de esto no cuenta. Pida a su coordinación que lo acepte.
app-refused_arrival = Algo de esto espera una entrada que aún no está aquí. Sincronice.
app-refused_nobody = Algo de esto no cuenta. Regístrelo de nuevo.
app-waits_safe = Sin enviar. A salvo en este teléfono.
app-on_hub = El hub lo tiene.
app-aside_one = El hub no lo cuenta. Pregunte a su coordinación.
app-void = Anularlo
app-void_why = ¿Por qué no cuenta?
app-void_what = Queda en el historial y no cuenta en ninguna parte.
app-clear_void = Que vuelva a contar
app-undo_last = Deshacer mi último cambio
app-correct_other = Corregir una respuesta
app-correct_what = La respuesta anterior queda en el historial.

## Totals

app-whole_team = Todo el equipo
app-this_month = Este mes
app-last_month = El mes pasado
app-of_last_month = { $site }, el mes pasado
app-other_sites = { $number ->
    [one] { $number } lugar más
    [many] { $number } de lugares más
   *[other] { $number } lugares más
}
app-no_site = Sin sitio
app-nothing_missing = No se sabe que falte nada.
app-known_missing = { $number ->
    [one] Se sabe de { $number } entrada que aún no está aquí (teléfonos: { $devices }). Falta en estos números.
    [many] Se sabe de { $number } de entradas que aún no están aquí (teléfonos: { $devices }). Faltan en estos números.
   *[other] Se sabe de { $number } entradas que aún no están aquí (teléfonos: { $devices }). Faltan en estos números.
}
app-waiting_to_count = { $number ->
    [one] { $number } entrada espera a otras y aún no cuenta.
    [many] { $number } de entradas esperan a otras y aún no cuentan.
   *[other] { $number } entradas esperan a otras y aún no cuentan.
}
app-dates_in_doubt = { $number ->
    [one] { $number } registro tiene una fecha que puede estar mal.
    [many] { $number } de registros tienen una fecha que puede estar mal.
   *[other] { $number } registros tienen una fecha que puede estar mal.
}
app-of_spans = { $number ->
    [one] { $number } registro representa varios días; cuenta en el último.
    [many] { $number } de registros representan varios días; cuentan en el último.
   *[other] { $number } registros representan varios días; cuentan en el último.
}

## Sync

app-sync = Sincronización
app-sync_now = Sincronizar ahora
app-syncing = Sincronizando …
app-working = En curso …
app-synced = El hub y este teléfono tienen lo mismo.
app-progress = { $done } de { $all } entradas
app-background_never = Aún no se hizo por sí sola. El teléfono la permite cuando hay red.
app-background_ran = Se hizo por sí sola por última vez { $when }.
app-background_pin = Mientras un PIN la bloquea, no se sincroniza por sí sola: ábrala de vez en cuando.
app-without_hub = Sin el hub
app-send_file = Enviar por archivo
app-send_file_what = Lo que espera va a un archivo que solo su equipo puede leer. Déselo a un colega que llegue a una red.
app-send_file_captured = Este teléfono solo registra: su archivo solo lo admite un teléfono que se haya sincronizado después de la última vez que lo hizo este.
app-receive_file = Recibir un archivo
app-receive_file_what = Tomar lo que escribió el teléfono de un colega.
app-announce = Mostrar lo que tengo
app-announce_what = El teléfono de un colega lo escanea, y el equipo sabe lo que falta por llegar.
app-announce_how = Deje que el teléfono de un colega escanee esto.
app-hear = Escanear lo que tiene un colega
app-hear_what = Así el equipo sabe lo que falta por llegar de ese teléfono.
app-heard = Oído. La próxima sincronización lo transmite.
app-not_announced = Esto no es lo que otro teléfono muestra en «Mostrar lo que tengo». Escanee de nuevo.
app-file_written = El archivo está escrito. Sigue sin enviar hasta que el hub lo tenga.
app-file_taken = { $number ->
    [one] Recibido: { $number } entrada nueva.
    [many] Recibido: { $number } de entradas nuevas.
   *[other] Recibido: { $number } entradas nuevas.
}
app-turned_away = { $number ->
    [one] { $number } entrada del archivo no se recibió. Pida el archivo otra vez o sincronice.
    [many] { $number } de entradas del archivo no se recibieron. Pida el archivo otra vez o sincronice.
   *[other] { $number } entradas del archivo no se recibieron. Pida el archivo otra vez o sincronice.
}

## Protection

app-protection = Protección
app-has_pin = Un PIN protege lo que registró. Se bloquea por sí solo a los cinco minutos.
app-no_pin = Sin un PIN, quien desbloquee este teléfono puede leer lo que registró.
app-pin_set = Poner un PIN
app-pin_change = Cambiar el PIN
app-pin_remove = Quitar el PIN
app-pin_what = Seis caracteres o más. Nadie puede restablecerlo, y nunca se borra nada.
app-pin_old = PIN de ahora
app-pin_new = PIN nuevo
app-pin_again = PIN nuevo, otra vez
app-pin_differs = Los dos PIN nuevos difieren. Escríbalos de nuevo.
app-lock_now = Bloquear ahora
app-capture_only = Solo registrar
app-capture_only_begin = No guardar nada enviado
app-capture_only_short = Así, quien tome este teléfono solo lee lo que espera.
app-capture_only_now = Este teléfono solo registra: lo enviado no se puede leer en él.
app-capture_only_programme = Su programa quiere que este teléfono solo registre: lo enviado no se puede leer en él.
app-capture_only_workers = El teléfono de una coordinación conserva lo que tiene: el equipo depende de él.
app-capture_only_what = En cuanto el hub tiene un registro, su contenido se borra de este teléfono, y no entra ninguno de colegas.
app-capture_only_no_totals = El historial y los totales muestran entonces solo lo no enviado. Las correcciones se hacen en otro teléfono.
app-capture_only_hub = Si el hub perdiera sus últimos datos, este teléfono no puede reenviar lo que borró: debe tenerlo un colega o la coordinación.
app-capture_only_for_good = Aquí no se puede desactivar: para volver a leer, únase de nuevo con una invitación en lugar de este teléfono.
app-capture_only_totals = Este teléfono solo registra, así que no tiene totales. Pídalos a su coordinación.
app-quick_exit_how = La puerta arriba en cada pantalla lleva enseguida a un reloj, y bloquea.

## About

app-about = Qué está a salvo y qué no
app-about_safe = A salvo
app-about_safe_1 = Lo guardado queda guardado: resiste una batería agotada y una aplicación cerrada a la fuerza.
app-about_safe_2 = Todo está cifrado en este teléfono y en el camino. Las notas solo las puede leer su equipo.
app-about_safe_3 = Con un PIN, quien encuentre o quite este teléfono no lee nada mientras esté bloqueado.
app-about_safe_4 = Lo enviado está en el hub: un teléfono perdido no pierde nada de ello.
app-about_not_safe = No a salvo
app-about_not_safe_1 = Lo que aún no se envió está solo en este teléfono. Sincronice cuando pueda.
app-about_not_safe_2 = Sin un PIN, quien desbloquee este teléfono lee lo que hay aquí.
app-about_not_safe_3 = Quien le obligue a desbloquearlo lee lo que hay aquí. Use antes la salida rápida.
app-about_not_safe_4 = Se puede ver que esta aplicación está en su teléfono. Si lo pierde, dígalo enseguida a su coordinación, que lo excluye.
