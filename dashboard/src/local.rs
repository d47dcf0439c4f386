//! The pages on a coordinator's own laptop: on loopback alone, for whoever opens the one link.

use crate::gate::{Gate, NoRandomness};
use crate::overview::{Asked, Reads};
use crate::{pages, words};
use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HOST, HeaderMap,
    LOCATION, ORIGIN, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use kitbag_core::model::date::Period;
use kitbag_core::model::{CivilDate, UnixMillis};
use kitbag_core::words::Words;
use maud::Markup;
use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

/// The name of the cookie that a session shows.
const COOKIE_NAME: &str = "kitbag";
const STYLE: &str = include_str!("../assets/style.css");
/// No script and no other host: what is written into a page can do nothing there.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum NotServed {
    /// This machine lends no port on loopback, or took it back.
    #[error("this machine lends no port to listen on: {0}")]
    Port(#[from] std::io::Error),
    /// A link cannot be made.
    #[error(transparent)]
    Link(#[from] NoRandomness),
}

/// The pages of one store on loopback, and the link that opens them.
pub struct Pages {
    listener: TcpListener,
    link: String,
    router: Router,
}

impl Pages {
    /// Takes a free port of this machine, and makes a link that opens the pages once, within ten minutes.
    ///
    /// # Errors
    /// Where there is no port, or no randomness.
    pub async fn bind(reads: impl Reads) -> Result<Pages, NotServed> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let local = Arc::new(Local { reads, gate: Gate::default() });
        let word = local.gate.link(Instant::now())?;
        let link = format!("http://{}/open/{word}", listener.local_addr()?);
        Ok(Pages { listener, link, router: router(local) })
    }

    /// The link.
    pub fn link(&self) -> &str {
        &self.link
    }

    /// Serves until that is over.
    ///
    /// # Errors
    /// Where the port is lost.
    pub async fn serve(
        self,
        until: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), NotServed> {
        // A page that is open keeps its connection: it waits for nobody.
        tokio::select! {
            served = axum::serve(self.listener, self.router).into_future() => Ok(served?),
            () = until => Ok(()),
        }
    }
}

struct Local<R> {
    reads: R,
    gate: Gate,
}

fn router<R: Reads>(local: Arc<Local<R>>) -> Router {
    Router::new()
        .route("/", get(overview::<R>))
        .route("/open/{word}", get(open::<R>))
        .route("/close", post(close::<R>))
        .route("/style.css", get(style))
        .layer(middleware::from_fn(guarded))
        .with_state(local)
}

/// What every answer says to the browser; and a name that is not this machine's is refused, as another site's is that
/// has itself resolved to here.
async fn guarded(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if name != "127.0.0.1" && name != "localhost" {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

fn said(headers: &HeaderMap) -> Words {
    let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|wanted| wanted.to_str().ok());
    words::in_language(words::accepted(wanted.unwrap_or_default()))
}

fn page(status: StatusCode, page: Markup) -> Response {
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(CONTENT_TYPE, kind)], page.into_string()).into_response()
}

/// Whether whoever asks shows the session that there is.
fn is_let_in<R>(local: &Local<R>, headers: &HeaderMap) -> bool {
    let cookies = headers.get_all(COOKIE).into_iter().filter_map(|cookies| cookies.to_str().ok());
    let shown = cookies
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='));
    shown.is_some_and(|word| local.gate.holds(word, Instant::now()))
}

async fn open<R: Reads>(
    State(local): State<Arc<Local<R>>>,
    Path(word): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(session) = local.gate.open(&word, Instant::now()) else {
        return page(StatusCode::FORBIDDEN, pages::closed(&said(&headers)));
    };
    let cookie = format!("{COOKIE_NAME}={session}; HttpOnly; SameSite=Strict; Path=/");
    let Ok(cookie) = HeaderValue::from_str(&cookie) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // A browser keeps no address that opened something.
    let to = HeaderValue::from_static("/");
    (StatusCode::SEE_OTHER, [(SET_COOKIE, cookie), (LOCATION, to)]).into_response()
}

/// Ends the session. A form of another site cannot: its requests show no session, and another origin.
async fn close<R: Reads>(State(local): State<Arc<Local<R>>>, headers: HeaderMap) -> Response {
    if !is_let_in(&local, &headers) || !is_of_ours(&headers) {
        return page(StatusCode::FORBIDDEN, pages::closed(&said(&headers)));
    }
    local.gate.end();
    page(StatusCode::OK, pages::closed(&said(&headers)))
}

/// Whether what is to change something was asked for by a page of ours.
fn is_of_ours(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let (origin, host) = (text(ORIGIN), text(HOST));
    origin
        .and_then(|origin| origin.strip_prefix("http://"))
        .is_some_and(|origin| Some(origin) == host)
}

async fn style() -> Response {
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    ([(CONTENT_TYPE, kind)], STYLE).into_response()
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

async fn overview<R: Reads>(
    State(local): State<Arc<Local<R>>>,
    Query(asked): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let words = said(&headers);
    if !is_let_in(&local, &headers) {
        return page(StatusCode::FORBIDDEN, pages::closed(&words));
    }
    let now = now();
    let today = CivilDate::from_epoch_day(now.0.div_euclid(86_400_000));
    let wanted = asked.get("day").and_then(|day| day.parse().ok()).or(today);
    let period = asked.get("period").map_or("month", String::as_str);
    let period = period
        .parse()
        .ok()
        .filter(|period| [Period::Month, Period::Quarter, Period::Year].contains(period));
    let (Some(day), Some(period)) = (wanted, period) else {
        return page(StatusCode::BAD_REQUEST, pages::failed(&words, &words.error("argument", 0)));
    };
    let asked = Asked { day, period, now, language: words.language() };
    match local.reads.overview(asked).await {
        Ok(seen) => page(StatusCode::OK, pages::overview(&words, asked, &seen)),
        Err(error) => {
            let why = error.in_words(&words);
            page(StatusCode::INTERNAL_SERVER_ERROR, pages::failed(&words, &why))
        }
    }
}
