using System.Text.Json;
using AttnKernels.Bench.Report;

namespace AttnKernels.Tests.Bench;

public class RecordFileTests
{
    private static readonly string[] Fields =
    [
        "workload", "operation", "implementation", "device", "dtype", "threads", "medianMs", "p20Ms", "p80Ms", "gflops", "gbps",
        "percentOfCeiling", "errorOverBound",
    ];

    [Fact]
    public void JsonIsAListOfObjectsWithExactlyTheseFields()
    {
        using JsonDocument json = JsonDocument.Parse(RecordFile.ToJson(Samples.Records));
        json.RootElement.ValueKind.Should().Be(JsonValueKind.Array);
        json.RootElement.GetArrayLength().Should().Be(Samples.Records.Count);
        foreach (JsonElement record in json.RootElement.EnumerateArray())
        {
            record.EnumerateObject().Select(p => p.Name).Should().Equal(Fields);
            record.GetProperty("threads").ValueKind.Should().Be(JsonValueKind.Number);
            record.GetProperty("workload").ValueKind.Should().Be(JsonValueKind.String);
        }
        json.RootElement[3].GetProperty("medianMs").GetDouble().Should().Be(3);
    }

    [Fact]
    public void JsonComesBackTheSame() => RecordFile.FromJson(RecordFile.ToJson(Samples.Records)).Should().Equal(Samples.Records);

    [Fact]
    public void NumbersAreRoundedToFiveDigits()
    {
        BenchRecord r = Samples.Records[3] with { MedianMs = 1.23456789, Gflops = 123456.789 };
        BenchRecord back = RecordFile.FromJson(RecordFile.ToJson([r]))[0];
        back.MedianMs.Should().Be(1.2346);
        back.Gflops.Should().Be(123460);
    }

    [Fact]
    public void CsvHasTheSameColumnsAndQuotesCommas()
    {
        string[] lines = RecordFile.ToCsv([Samples.Records[3] with { Device = "a, \"b\"" }]).Split('\n');
        lines[0].Split(',').Should().Equal(Fields);
        lines[1].Should().StartWith("s512,attention,AttnKernels,\"a, \"\"b\"\"\",fp32,2,3,2.7,3.3,160,2,80,0.125");
    }
}
