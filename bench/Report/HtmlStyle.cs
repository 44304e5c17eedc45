namespace AttnKernels.Bench.Report;

/// <summary>The style sheet of the page; light and dark follow the reader's system.</summary>
internal static class HtmlStyle
{
    /// <summary>Okabe and Ito's colours, which stay apart for colour-blind readers.</summary>
    public const string Css = """
        :root { --back: #ffffff; --text: #1f2328; --soft: #59636e; --line: #d8dee4; --band: #f4f6f8; --ceiling: #cf222e;
          --ours: #0072b2; --onnxruntime: #e69f00; --openblas: #009e73; --pytorch: #d55e00; --tensorprimitives: #cc79a7; --naive: #8c959f; }
        @media (prefers-color-scheme: dark) {
          :root { --back: #0d1117; --text: #e6edf3; --soft: #9198a1; --line: #30363d; --band: #161b22;
            --ceiling: #ff7b72; --ours: #56b4e9; } }
        body { background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif;
          margin: 2rem auto; max-width: 1000px; padding: 0 1rem; }
        h1 { font-size: 1.6rem; margin-bottom: 0.2rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
        p, li { color: var(--soft); } svg { width: 100%; height: auto; display: block; }
        .pair { display: grid; grid-template-columns: repeat(auto-fill, minmax(380px, 1fr)); gap: 1rem; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap; }
        th, td { padding: 0.25rem 0.7rem; border-bottom: 1px solid var(--line); text-align: right; }
        th:first-child, td:first-child { text-align: left; } thead th { color: var(--soft); font-weight: 600; }
        tbody tr:hover { background: var(--band); }
        text { font: 12px system-ui, sans-serif; fill: var(--text); } text.tick { fill: var(--soft); font-size: 11px; }
        text.value { font-size: 10px; fill: var(--soft); } text.ceiling-label { fill: var(--ceiling); font-size: 11px; }
        text.chart-title { font-weight: 600; font-size: 13px; }
        .grid { stroke: var(--line); stroke-width: 1; }
        .ceiling { stroke: var(--ceiling); stroke-width: 1.5; stroke-dasharray: 5 4; fill: none; }
        .stroke { fill: none; stroke-width: 2.2; } .point { stroke: var(--back); stroke-width: 1; fill-opacity: 0.9; }
        .fill.c-attnkernels { fill: var(--ours); } .stroke.c-attnkernels { stroke: var(--ours); }
        .fill.c-onnxruntime { fill: var(--onnxruntime); } .stroke.c-onnxruntime { stroke: var(--onnxruntime); }
        .fill.c-openblas { fill: var(--openblas); } .stroke.c-openblas { stroke: var(--openblas); }
        .fill.c-pytorch { fill: var(--pytorch); } .stroke.c-pytorch { stroke: var(--pytorch); }
        .fill.c-tensorprimitives { fill: var(--tensorprimitives); } .stroke.c-tensorprimitives { stroke: var(--tensorprimitives); }
        .fill.c-naive { fill: var(--naive); } .stroke.c-naive { stroke: var(--naive); }
        """;
}
