/** Turbo as it comes with Rails, over Rails' own client. */
import "@hotwired/turbo-rails";
