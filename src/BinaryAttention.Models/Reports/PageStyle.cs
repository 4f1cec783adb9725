// The page's only style sheet. System fonts, colours for a light and a dark page, nothing fetched from anywhere.
namespace BinaryAttention.Models.Reports;

internal static class PageStyle
{
    public static void Write(HtmlText html) => html.Write($$"""
        <style>
        :root { color-scheme: light dark; --text: #1b1d22; --quiet: #5c6270; --page: #ffffff; --line: #d5d8df; --alone: #3c6fb6; --gain: #d9772b; }
        @media (prefers-color-scheme: dark) { :root { --text: #e6e8ee; --quiet: #a2a9b8; --page: #15171c; --line: #3a3f4b; --alone: #6c9be0; --gain: #ec9550; } }
        body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); }
        h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; border-bottom: 1px solid var(--line); } h3 { font-size: 1rem; }
        code { font: 0.9em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
        dt { font-weight: 600; } dd { margin: 0 0 0.5rem 1.5rem; } dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 1rem; } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
        table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
        caption { text-align: left; font-weight: 600; padding-bottom: 0.3rem; }
        th, td { border: 1px solid var(--line); padding: 0.15rem 0.6rem; text-align: right; } th { font-weight: 600; }
        small, .legend, figcaption { color: var(--quiet); font-size: 0.8rem; } td small { display: block; color: inherit; opacity: 0.8; }
        .scroll { overflow-x: auto; }
        .side { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 0 2rem; } .side .scroll { max-width: 100%; }
        svg { display: block; width: 100%; max-width: 46rem; height: auto; } svg text { fill: var(--text); font-size: 12px; } svg text.number, svg text.axis { fill: var(--quiet); font-size: 10px; } svg line { stroke: var(--quiet); }
        svg text.axis { text-anchor: middle; }
        rect.alone { fill: var(--alone); } rect.gain { fill: var(--gain); }
        .key { display: inline-block; width: 0.8rem; height: 0.8rem; margin-left: 1rem; } .key.alone { background: var(--alone); } .key.gain { background: var(--gain); }
        figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; } figure img { display: block; }
        img.heat { image-rendering: pixelated; width: 3.5rem; height: auto; display: inline-block; margin: 2px 3px; } img.map { image-rendering: pixelated; width: 22rem; max-width: 100%; height: auto; }
        img.photo { width: 14rem; max-width: 100%; height: auto; } img.ramp { image-rendering: pixelated; width: 12rem; height: 0.8rem; vertical-align: middle; }
        td.pair { white-space: nowrap; padding: 1px 4px; }
        </style>

        """);
}
