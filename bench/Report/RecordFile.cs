using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AttnKernels.Bench.Report;

/// <summary>Reads and writes lists of records: JSON for programs, CSV for spreadsheets.</summary>
public static class RecordFile
{
    private const int Digits = 5;

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
    };

    /// <summary>A JSON list with one object a record, numbers rounded to five significant digits.</summary>
    public static string ToJson(IEnumerable<BenchRecord> records) =>
        JsonSerializer.Serialize(records.Select(Rounded).ToArray(), Options) + "\n";

    /// <summary>The inverse of <see cref="ToJson"/>.</summary>
    public static IReadOnlyList<BenchRecord> FromJson(string json) =>
        JsonSerializer.Deserialize<BenchRecord[]>(json, Options) ?? throw new JsonException("the file holds no list of records");

    /// <summary>One header line, then one line a record.</summary>
    public static string ToCsv(IEnumerable<BenchRecord> records)
    {
        var text = new StringBuilder();
        text.Append("workload,operation,implementation,device,dtype,threads,medianMs,p20Ms,p80Ms,")
            .Append("gflops,gbps,percentOfCeiling,errorOverBound\n");
        foreach (BenchRecord r in records.Select(Rounded))
            text.AppendJoin(',', Quote(r.Workload), Quote(r.Operation), Quote(r.Implementation), Quote(r.Device), r.Dtype,
                Number(r.Threads), Number(r.MedianMs), Number(r.P20Ms), Number(r.P80Ms), Number(r.Gflops), Number(r.Gbps),
                Number(r.PercentOfCeiling), Number(r.ErrorOverBound)).Append('\n');
        return text.ToString();
    }

    private static BenchRecord Rounded(BenchRecord r) => r with
    {
        MedianMs = Round(r.MedianMs),
        P20Ms = Round(r.P20Ms),
        P80Ms = Round(r.P80Ms),
        Gflops = Round(r.Gflops),
        Gbps = Round(r.Gbps),
        PercentOfCeiling = Round(r.PercentOfCeiling),
        ErrorOverBound = Round(r.ErrorOverBound),
    };

    private static double? Round(double? value)
    {
        if (value is not { } v || v == 0 || !double.IsFinite(v)) return value;
        return double.Parse(v.ToString("G" + Digits, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }

    private static string Number(double? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static string Quote(string value) =>
        value.AsSpan().IndexOfAny(',', '"', '\n') < 0 ? value : $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
