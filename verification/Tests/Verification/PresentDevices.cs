namespace AttnKernels.Tests.Verification;

/// <summary>The devices that tests run on: all that are present.</summary>
internal static class PresentDevices
{
    /// <summary>Opens a device, or skips the test and says what is missing.</summary>
    public static AttentionDevice OpenOrSkip(string name)
    {
        if (AttentionDevice.List().All(d => d.Name != name))
            Assert.Skip($"There is no device {name} here. This build has the kernel API {KernelApi.Name}: {KernelApi.Reach}.");
        return AttentionDevice.Open(name);
    }
}
