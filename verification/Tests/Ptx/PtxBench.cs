using System.Globalization;
using System.Runtime.InteropServices;
using AttnKernels.Verification.Ptx;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Tests.Ptx;

/// <summary>Runs a few lines of PTX as one kernel over an array of 32-bit words.</summary>
internal static unsafe class PtxBench
{
    /// <summary>
    /// %rd1 holds the address of <paramref name="memory"/>, %rd2 that of the lane's own word, %r1 the lane's number; there are 4 KB of
    /// shared memory, "tile".
    /// </summary>
    /// <returns>What the memory holds afterwards.</returns>
    /// <exception cref="PtxFaultException">The driver's words for what went wrong.</exception>
    public static uint[] Run(string body, uint[] memory, int lanes = 32, int groups = 1)
    {
        uint* words = (uint*)NativeMemory.AlignedAlloc((nuint)memory.Length * sizeof(uint), 256);
        try
        {
            memory.CopyTo(new Span<uint>(words, memory.Length));
            GlobalMemory global = new();
            global.Add((ulong)words, memory.Length * sizeof(uint));
            PtxDriver driver = new(global);
            CudaError error = driver.LoadModule(Module(body), out nint module, out string? log);
            if (error != CudaError.CUDA_SUCCESS) throw new PtxFaultException(log ?? error.ToString());
            driver.GetFunction(module, "Kernel", out nint function).Should().Be(CudaError.CUDA_SUCCESS);
            ulong address = (ulong)words;
            error = driver.Launch(function, groups, lanes, 0, 0, &address);
            if (error != CudaError.CUDA_SUCCESS) throw new PtxFaultException(driver.Describe(error));
            return new ReadOnlySpan<uint>(words, memory.Length).ToArray();
        }
        finally
        {
            NativeMemory.AlignedFree(words);
        }
    }

    /// <summary>What each of 32 lanes stores from a register after <paramref name="body"/>.</summary>
    public static uint[] Lanes(string body, string register) => Run($"{body}\nst.global.b32 [%rd2], {register};", new uint[32]);

    /// <summary>A float as it is written.</summary>
    public static string Text(float value) => "0f" + BitConverter.SingleToUInt32Bits(value).ToString("X8", CultureInfo.InvariantCulture);

    private static string Module(string body) =>
        $$"""
        .version 7.8
        .target sm_80
        .address_size 64

        .visible .entry Kernel(
        	.param .align 8 .b8 _args[8]
        )
        {
        	.shared .align 16 .b8 tile[4096];
        	.reg .pred	%p<9>;
        	.reg .b16	%rs<9>;
        	.reg .b32	%r<65>;
        	.reg .b64	%rd<17>;
        	.reg .f32	%f<17>;

        	ld.param.b64	%rd1, [_args];
        	mov.b32	%r1, %tid.x;
        	mul.wide.u32	%rd2, %r1, 4;
        	add.u64	%rd2, %rd1, %rd2;
        {{body}}
        	ret;
        }
        """;
}
