import type { FailureSentences } from './sentences.ts';

/** The sentences for failures in Spanish. */
export const failuresEs: FailureSentences = {
  // Refusals by the server.
  invalid_request: ['El servidor no pudo leer lo enviado.', 'Vuelve a cargar la página e inténtalo de nuevo.'],
  out_of_range: ['Uno de los valores está fuera de lo permitido.', 'Revisa fechas y longitudes, y vuelve a intentarlo.'],
  unknown_category: ['El servidor no conoce esta categoría.', 'Elige otra categoría.'],
  not_signed_in: ['Ya no tienes la sesión iniciada.', 'Inicia sesión de nuevo. Lo que escribiste sigue aquí.'],
  invalid_login: ['El servidor no aceptó el inicio de sesión.', 'Empieza de nuevo el inicio de sesión y firma el mensaje nuevo.'],
  wrong_domain: [
    'El inicio de sesión se hizo para otro sitio.',
    'Comprueba la dirección de tu navegador antes de volver a iniciar sesión.',
  ],
  wrong_chain: ['Tu monedero está en otra red.', 'Cambia tu monedero a la red que se muestra aquí.'],
  nonce_used: ['Este mensaje ya se envió antes.', 'Inténtalo de nuevo; se preparará un mensaje nuevo para firmar.'],
  expired: ['Ha pasado el plazo para enviar esto.', 'Inténtalo de nuevo; se preparará un mensaje nuevo para firmar.'],
  clock_skew: ['El reloj de este dispositivo no está en hora.', 'Pon el reloj en hora e inténtalo de nuevo.'],
  invalid_signature: ['La firma no es de la cuenta que indica.', 'Elige la cuenta correcta en tu monedero y firma de nuevo.'],
  forbidden: ['Esta cuenta no puede hacer eso.', 'Pregunta a la persona a quien pertenecen los datos, o entra con otra cuenta.'],
  not_found: ['Aquí no hay nada que puedas ver.', 'Comprueba el enlace. También puede ser que nadie lo haya compartido contigo.'],
  unknown_record: ['Ese documento no existe.', 'Comprueba el enlace o busca en tu lista de documentos.'],
  record_tombstoned: ['Este documento fue retirado.', 'Pregunta al paciente si todavía lo necesitas.'],
  lift_period_over: ['Este documento ya no se puede restituir.', 'Si tienes una copia, añádela de nuevo.'],
  no_grant: ['El paciente no ha compartido esto contigo.', 'Pide acceso al paciente.'],
  grant_expired: ['El plazo en que se compartió ha terminado o no ha empezado.', 'Pide al paciente que lo comparta otra vez.'],
  grant_revoked: ['El paciente ha dejado de compartir esto.', 'Pídelo de nuevo si todavía lo necesitas.'],
  not_accredited: ['Esta cuenta no está acreditada en este momento.', 'Pide a tu acreditador que responda por ti.'],
  key_not_registered: [
    'Esta persona no ha terminado de configurar medlock.',
    'Pídele que inicie sesión y termine la configuración, y vuelve a intentarlo.',
  ],
  stale_state: ['Algo cambió mientras decidías.', 'Mira el estado actual e inténtalo de nuevo.'],
  already_exists: ['Esto ya se había hecho.', 'No hay que hacer nada más.'],
  share_missing: [
    'La clave de esta versión no está en el servidor.',
    'El paciente tiene que iniciar sesión una vez para que la clave se envíe de nuevo.',
  ],
  invalid_capsule: [
    'El servidor no pudo leer una clave sellada.',
    'Vuelve a cargar la página para tener la versión actual de medlock e inténtalo de nuevo.',
  ],
  cid_mismatch: [
    'El archivo guardado no es el que se registró.',
    'El archivo no se abrió. Inténtalo más tarde y avisa a quien gestiona este servidor.',
  ],
  invalid_envelope: [
    'El archivo cifrado está dañado o se hizo para otra cosa.',
    'El archivo no se abrió. Pide una versión nueva a quien lo subió.',
  ],
  too_large: ['Este archivo es mayor de lo que acepta el servidor.', 'Elige un archivo más pequeño.'],
  truncated_upload: ['La subida se interrumpió.', 'Sube el archivo otra vez.'],
  quota_exceeded: ['Tu espacio en este servidor está lleno.', 'Pide más espacio a quien gestiona este servidor.'],
  uri_too_long: [
    'La petición era demasiado larga.',
    'Vuelve a cargar la página para tener la versión actual de medlock e inténtalo de nuevo.',
  ],
  head_too_large: [
    'La petición era demasiado larga.',
    'Vuelve a cargar la página para tener la versión actual de medlock e inténtalo de nuevo.',
  ],
  request_timeout: ['Tu conexión fue demasiado lenta para el servidor.', 'Inténtalo de nuevo, con una conexión mejor si puedes.'],
  unsupported_transfer_coding: [
    'El servidor no puede leer lo que se envió.',
    'Vuelve a cargar la página para tener la versión actual de medlock e inténtalo de nuevo.',
  ],
  invalid_range: ['Se pidió una parte del archivo que no existe.', 'Abre el documento de nuevo.'],
  precondition_failed: ['Otra ventana o dispositivo cambió esto entretanto.', 'Inténtalo de nuevo; se usará el estado más reciente.'],
  idempotency_mismatch: ['La misma petición se envió dos veces con contenido distinto.', 'Vuelve a cargar la página e inténtalo de nuevo.'],
  in_progress: ['El servidor todavía trabaja en esto.', 'Espera un momento y vuelve a mirar. No se hará dos veces.'],
  rate_limited: ['Fueron demasiadas cosas a la vez.', 'Espera un minuto e inténtalo de nuevo.'],
  budget_exceeded: ['Las acciones gratuitas de hoy para esta cuenta se han agotado.', 'Inténtalo mañana.'],
  not_invited: [
    'Este servidor solo actúa para personas invitadas.',
    'Pide una invitación a tu clínica o a quien administra este servidor.',
  ],
  relayer_poor: ['El servidor no puede pagar esto ahora mismo.', 'Inténtalo más tarde y avisa a quien administra este servidor.'],
  log_behind: [
    'El registro de accesos va con retraso y ahora no se puede abrir nada.',
    'No se leyó nada. Inténtalo de nuevo en un minuto.',
  ],
  would_revert: ['Las reglas de la cadena no permiten esto.', 'Vuelve a cargar la página para ver el estado actual e inténtalo de nuevo.'],
  method_not_allowed: ['El servidor no ofrece esto.', 'Vuelve a cargar la página para tener la versión actual de medlock.'],
  unsupported_media_type: [
    'El servidor no acepta este tipo de contenido.',
    'Vuelve a cargar la página para tener la versión actual de medlock.',
  ],
  unavailable: ['El servidor no alcanza una de sus partes.', 'Inténtalo de nuevo en un momento. Lo que ya se hizo no se hace dos veces.'],
  internal: ['Algo falló en el servidor.', 'Inténtalo de nuevo. Si sigue ocurriendo, avisa a quien gestiona este servidor.'],
  // The wallet.
  no_wallet: [
    'No se encontró ningún monedero en este navegador.',
    'Instala un monedero, o abre esta página en el navegador de la aplicación de tu monedero. Después vuelve a cargar.',
  ],
  wallet_rejected: ['Rechazaste la petición en tu monedero.', 'No se firmó ni se envió nada. Puedes intentarlo de nuevo cuando quieras.'],
  wallet_busy: ['Tu monedero espera respuesta a una petición anterior.', 'Abre tu monedero, responde allí e inténtalo de nuevo.'],
  wallet_locked: ['Tu monedero está bloqueado.', 'Desbloquéalo e inténtalo de nuevo.'],
  wallet_wrong_chain: ['Tu monedero está en otra red.', 'Cambia tu monedero a la red que se muestra aquí.'],
  wallet_unknown_chain: ['Tu monedero no conoce la red que usa medlock.', 'Añade la red en tu monedero e inténtalo de nuevo.'],
  wallet_unsupported: ['Este monedero no puede hacer lo que medlock necesita.', 'Usa otro monedero.'],
  wallet_disconnected: ['Tu monedero perdió la conexión.', 'Abre tu monedero y conéctalo de nuevo.'],
  wallet_failed: ['Tu monedero comunicó un error.', 'Abre tu monedero, comprueba que funciona e inténtalo de nuevo.'],
  wallet_other_account: [
    'En tu monedero está elegida otra cuenta.',
    'Elige la cuenta con la que iniciaste sesión, o inicia sesión con la nueva.',
  ],
  wallet_not_deterministic: [
    'Este monedero firma el mismo mensaje de forma distinta cada vez, así que no puede desbloquear tus documentos.',
    'Desbloquea con tu frase de contraseña. Todo lo demás funciona con este monedero.',
  ],
  // Signing in and unlocking.
  suspicious_challenge: [
    'El servidor pidió una firma que no parece correcta.',
    'No se firmó nada. Comprueba la dirección de tu navegador.',
  ],
  session_expired: ['Tu sesión ha terminado.', 'Inicia sesión de nuevo. Lo que escribiste sigue aquí.'],
  other_account_signed_in: [
    'Hay otra cuenta con la sesión iniciada, quizá en otra ventana.',
    'Inicia sesión de nuevo con la cuenta que quieras usar.',
  ],
  storage_unavailable: [
    'Este navegador no deja que medlock guarde su clave de sesión.',
    'Sal de la navegación privada, o permite que este sitio guarde datos.',
  ],
  no_keyring: [
    'No hay llavero para esta cuenta.',
    'Restáuralo con tus palabras de recuperación, o configura medlock si es tu primera vez.',
  ],
  not_unlocked: ['Eso no desbloqueó tus documentos.', 'Escribe la frase otra vez, o usa otra forma de desbloquear.'],
  wrong_keys: ['Estas claves son de otra cuenta.', 'Usa la frase, el monedero o las palabras de exactamente esta cuenta.'],
  foreign_key: [
    'Esto requiere una clave que otra persona publicó en tu nombre.',
    'Registra de nuevo tu propia clave, como dice el aviso rojo. Después pide a la otra persona que comparta o envíe esto otra vez.',
  ],
  own_key_unknown: [
    'Este navegador no sabe qué clave es la tuya.',
    'Desbloquea tus documentos una vez en este navegador, o usa tus palabras de recuperación, e inténtalo de nuevo.',
  ],
  already_set_up: ['Esta cuenta ya está configurada.', 'En su lugar, desbloquéala.'],
  kit_not_saved: ['Todavía no se ha guardado el kit de recuperación.', 'Imprime o escribe las palabras y confirma las que se piden.'],
  invalid_words: ['Estas no son las palabras de recuperación correctas.', 'Revisa la ortografía y el orden.'],
  passphrase_too_short: ['La frase de contraseña es demasiado corta.', 'Usa una más larga; cuatro palabras sin relación van bien.'],
  passphrases_differ: ['Las dos frases no son iguales.', 'Escribe dos veces la misma frase.'],
  locked: ['Tus documentos están bloqueados.', 'Desbloquéalos e inténtalo de nuevo.'],
  // Server and chain.
  unreachable: ['El servidor no responde.', 'Comprueba tu conexión e inténtalo de nuevo. No se pierde nada.'],
  invalid_answer: [
    'El servidor respondió algo que esta página no entiende.',
    'Vuelve a cargar la página para tener la versión actual de medlock.',
  ],
  wrong_answer: [
    'La respuesta del servidor contradice la cadena pública.',
    'Detente y avisa a quien gestiona este servidor. No se abrió ni se compartió nada.',
  ],
  other_deployment: ['Este servidor pertenece a otra instalación de medlock.', 'Detente. Comprueba la dirección de tu navegador.'],
  operator_keys: [
    'Este servidor muestra otras claves de su operador que las que este navegador ha visto.',
    'Detente. Pregunta al operador, por ejemplo por teléfono, qué claves son las correctas.',
  ],
  other_chain: ['Tu monedero muestra otra cadena que la que usa medlock.', 'Revisa los ajustes de red de tu monedero.'],
  other_code: ['Los contratos de la cadena no son los que deberían ser.', 'Detente y avisa a quien gestiona este servidor.'],
  rpc: ['La cadena no responde.', 'Revisa los ajustes de red de tu monedero e inténtalo de nuevo.'],
  no_history: [
    'Esta conexión con la cadena ya no guarda las anotaciones antiguas.',
    'Usa otra dirección de red (RPC) que conserve todo el historial.',
  ],
  still_pending: [
    'La acción está aceptada, pero tarda más de lo normal.',
    'No tienes que hacer nada: el resultado aparecerá aquí por sí solo.',
  ],
  reverted: ['Las reglas de la cadena no permitieron esto.', 'Vuelve a cargar la página para ver el estado actual e inténtalo de nuevo.'],
  changed: ['Algo cambió mientras esto estaba en marcha.', 'Inténtalo de nuevo.'],
  contended: ['Otra ventana o dispositivo está cambiando lo mismo.', 'Espera un momento e inténtalo de nuevo.'],
  // Failed checks.
  wrong_public_key: [
    'El servidor dio para esta persona otra clave que la cadena.',
    'No se compartió nada. Detente y avisa a quien gestiona este servidor.',
  ],
  stored_other_bytes: [
    'El servidor guardó algo distinto de lo enviado.',
    'El documento no se registró. No uses este servidor hasta que se aclare.',
  ],
  envelope_missing: [
    'El archivo de esta entrada no está en el servidor; quizá nunca se guardó.',
    'Pide a quien lo subió que lo envíe de nuevo.',
  ],
  commitment: ['Quien subió este documento no siguió las reglas.', 'El documento no se abrió. No te fíes de él.'],
  wrong_author: ['Este documento no viene de quien dice.', 'No te fíes de su supuesto autor.'],
  wrong_bundle: ['Las claves selladas no son las que firmó el paciente.', 'Pide al paciente que comparta otra vez.'],
  wrong_receipt: [
    'El recibo del servidor por esta lectura no es válido.',
    'Puede que la lectura no esté en el registro. Avisa a un auditor.',
  ],
  log_broken: [
    'El registro de accesos no es coherente.',
    'Exporta lo que se muestra: es una prueba. Después avisa a quien gestiona este servidor.',
  ],
  invalid_statement: ['Una declaración firmada no es válida.', 'No te fíes de ella.'],
  invalid_address_book: [
    'No se pudieron abrir tus nombres privados.',
    'No se muestran nombres; todo lo demás funciona. Puede que el servidor los haya cambiado.',
  ],
  // Files and forms.
  empty_file: ['Este archivo está vacío.', 'Elige otro archivo.'],
  source_changed: ['El archivo cambió mientras se leía.', 'Ciérralo en otros programas y súbelo otra vez.'],
  file_unreadable: ['Este archivo no se puede leer.', 'Comprueba que todavía existe y que puedes abrirlo.'],
  no_room: [
    'Este navegador no tiene espacio para cifrar un archivo de este tamaño.',
    'Libera espacio en este dispositivo o sal de la navegación privada. Después añade el archivo otra vez.',
  ],
  not_saved: ['No se pudo escribir el documento en ese lugar.', 'No quedó nada de él. Comprueba que hay espacio o elige otro lugar.'],
  unknown_version: ['Esa versión de este documento no existe.', 'Abre la versión más reciente.'],
  not_allowed: ['Solo otra persona puede hacer esto.', 'Pregunta a la persona a quien pertenecen los datos.'],
  invalid_address: ['Esto no es una dirección.', 'Una dirección es 0x y 40 letras y cifras. Cópiala otra vez o escanea el código.'],
  invalid_form: ['Algo del formulario falta o no es correcto.', 'Corrige los campos marcados.'],
  invalid_rpc_url: ['Esto no es la dirección de una conexión de red.', 'Empieza por https:// (o http:// en este ordenador).'],
  cancelled: ['Has cancelado esto.', 'No se guardó nada. Puedes empezar de nuevo cuando quieras.'],
  unknown: ['Ocurrió algo inesperado.', 'Vuelve a cargar la página e inténtalo de nuevo.'],
};
