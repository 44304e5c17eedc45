namespace AttnKernels.Onnx;

/// <summary>
/// qk_matmul_output before the softmax: mode 0 is scale * Q K^T, mode 1 that after the softcap, mode 2 after the bias, -inf where a key
/// is hidden. The product runs on the device; as no kernel writes scores out, the softcap and the bias are added on the host.
/// </summary>
internal static class OnnxScores
{
    /// <summary>Turns scale * Q K^T into what <paramref name="mode"/> asks for.</summary>
    public static void Finish(float[] scores, AttentionProblem problem, OnnxTensor? mask, int[]? lengths, int mode)
    {
        if (mode >= 1 && problem.Softcap > 0)
            for (int n = 0; n < scores.Length; n++) scores[n] = problem.Softcap * MathF.Tanh(scores[n] / problem.Softcap);
        if (mode == 2) AddBias(scores, problem, mask, lengths);
    }

    private static void AddBias(float[] scores, AttentionProblem problem, OnnxTensor? maskTensor, int[]? lengths)
    {
        float[]? mask = maskTensor?.ToFloats();
        KeyBand band = problem.Band;
        for (int n = 0; n < scores.Length; n++)
        {
            (int j, int i) = (n % problem.SeqKv, n / problem.SeqKv % problem.SeqQ);
            (int h, int b) = (n / problem.SeqKv / problem.SeqQ % problem.HeadsQ, n / problem.SeqKv / problem.SeqQ / problem.HeadsQ);
            int keys = lengths?[b] ?? problem.SeqKv;
            int shift = band.ShiftFor(problem.SeqQ, keys);
            if (mask is not null)
            {
                float value = mask[Broadcast(maskTensor!.Shape, b, h, i, j)];
                scores[n] = !problem.Mask ? scores[n] + value : value != 0 ? scores[n] : float.NegativeInfinity;
            }
            if (j < band.First(i, shift) || j >= band.End(i, shift, keys)) scores[n] = float.NegativeInfinity;
        }
    }

    /// <summary>Offset of element (b, h, i, j) in a tensor whose axes are right-aligned with these and 1 or full.</summary>
    private static int Broadcast(int[] shape, params ReadOnlySpan<int> index)
    {
        int at = 0;
        for (int axis = 0; axis < shape.Length; axis++)
            at = (at * shape[axis]) + (shape[axis] == 1 ? 0 : index[axis + 4 - shape.Length]);
        return at;
    }
}
