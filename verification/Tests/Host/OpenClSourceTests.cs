#if KERNEL_API_ILGPU
using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using ILGPU.Runtime.OpenCL;

namespace AttnKernels.Tests.Host;

public class OpenClSourceTests
{
    [Fact]
    public void Barriers_order_shared_memory()
    {
        Assert.SkipUnless(AttentionDevice.List().Any(d => d.Name == "opencl:0"), "there is no OpenCL device");
        using AttentionDevice device = AttentionDevice.Open("opencl:0");
        CLAccelerator accelerator = (CLAccelerator)((IlgpuDevice)device.Backend).Accelerator;
        KernelEntry entry = KernelCatalog.All.First(e => e.Name.Contains("Tiled", StringComparison.Ordinal));

        string source = OpenClSource.Translate(accelerator, entry).Text;

        source.Should().Contain("CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE").And.NotContain("( CLK_GLOBAL_MEM_FENCE");
    }

    [Fact]
    public void A_second_start_builds_the_text_that_the_first_has_kept()
    {
        Assert.SkipUnless(AttentionDevice.List().Any(d => d.Name == "opencl:0"), "there is no OpenCL device");
        string folder = Directory.CreateTempSubdirectory("attn-cache").FullName;
        try
        {
            float[] first = Softmax(folder);
            string path = Directory.GetFiles(folder).Should().ContainSingle().Subject;
            byte[] kept = File.ReadAllBytes(path);
            Softmax(folder).Should().Equal(first);

            File.WriteAllBytes(path, kept[..^1]);
            Softmax(folder).Should().Equal(first, "a damaged file is no file");
            KernelFile.Parse(File.ReadAllBytes(path), Key(kept)).Should().NotBeNull("it is made again, with other numbers in its names");

            File.WriteAllBytes(path, KernelFile.Format(Key(kept), new KernelText("no program")));
            FluentActions.Invoking(() => Softmax(folder)).Should().Throw<NotSupportedException>("a whole file is what is built");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static float[] Softmax(string folder)
    {
        using AttentionDevice device = AttentionDevice.Open("opencl:0", new DeviceOptions { CacheFolder = folder });
        using SoftmaxPlan plan = device.Plan(new SoftmaxProblem { Rows = 3, Columns = 5 });
        using DeviceTensor x = device.Upload([.. Enumerable.Range(0, 15).Select(n => (float)n % 4)], 1, 1, 3, 5);
        using DeviceTensor y = device.Allocate(DType.Float32, 1, 1, 3, 5);
        plan.Run(new SoftmaxTensors { X = x, Y = y });
        return y.ToArray<float>();
    }

    private static string Key(byte[] file)
    {
        using BinaryReader reader = new(new MemoryStream(file));
        reader.ReadString();
        reader.ReadInt32();
        return reader.ReadString();
    }
}
#endif
