using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>
/// The ONNX node tests, where they are: in the directory that the environment variable ATTN_CONFORMANCE names, or in
/// ../shared/conformance/onnx/node beside the repository. The project does not carry them.
/// </summary>
public class ConformanceTests
{
    [Theory]
    [InlineData("cpu")]
    [InlineData("simulator")]
    [InlineData("ilgpu-cpu")]
    [InlineData("opencl:0")]
    [InlineData("cuda:0")]
    public void Node_tests_pass(string name)
    {
        string directory = DirectoryOrSkip();
        using AttentionDevice device = PresentDevices.OpenOrSkip(name);

        ConformanceResult[] results = [.. ConformanceSuite.Find(directory).Select(folder => ConformanceSuite.Run(device, folder))];

        results.Where(r => r.Outcome == Outcome.Failed).Select(r => $"{r.Name}: {r.Detail}").Should().BeEmpty();
        results.Should().OnlyContain(r => r.Outcome == Outcome.Passed).And.HaveCount(92);
    }

    [Fact]
    public void Wrong_values_fail()
    {
        string source = Path.Combine(DirectoryOrSkip(), "test_matmul_2d"),
            copy = Directory.CreateTempSubdirectory("attn-conformance").FullName;
        try
        {
            string data = Directory.CreateDirectory(Path.Combine(copy, "test_data_set_0")).FullName;
            File.Copy(Path.Combine(source, "model.onnx"), Path.Combine(copy, "model.onnx"));
            foreach (string file in Directory.EnumerateFiles(Path.Combine(source, "test_data_set_0")))
                File.Copy(file, Path.Combine(data, Path.GetFileName(file)));
            using AttentionDevice device = AttentionDevice.Open("cpu");
            ConformanceSuite.Run(device, copy).Outcome.Should().Be(Outcome.Passed);

            // The last byte of the file is the sign and exponent of the last element.
            string output = Path.Combine(data, "output_0.pb");
            byte[] bytes = File.ReadAllBytes(output);
            bytes[^1] ^= 0x80;
            File.WriteAllBytes(output, bytes);

            ConformanceSuite.Run(device, copy).Outcome.Should().Be(Outcome.Failed);
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private static string DirectoryOrSkip()
    {
        string? named = Environment.GetEnvironmentVariable("ATTN_CONFORMANCE");
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "AttnKernels.sln"))) root = root.Parent;
        string beside = Path.Combine(root?.Parent?.FullName ?? "", "shared", "conformance", "onnx", "node");
        string directory = named ?? beside;
        if (!Directory.Exists(directory))
            Assert.Skip($"The ONNX node tests are not in {directory}; the environment variable ATTN_CONFORMANCE says where they are.");
        return directory;
    }
}
