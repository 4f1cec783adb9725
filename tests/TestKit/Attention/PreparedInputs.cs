// The operands of a case as kernels see them, centred and rotated where the case is calibrated.
using BinaryAttention;
using BinaryAttention.Kernels;
using BinaryAttention.Reference;
using BinaryAttention.Shapes;

namespace TestKit.Attention;

/// <summary>Makes reference inputs of cases.</summary>
internal static class PreparedInputs
{
    public static unsafe ReferenceInputs Create(AttentionCase attentionCase, Operands operands, bool isBinary)
    {
        AttentionCase dense = attentionCase with { Layout = TensorLayout.HeadTokenDimension };
        AttentionOptions options = isBinary ? dense.BinaryOptions(threads: 1) : dense.ExactOptions(threads: 1);
        AttentionSpecification specification = SpecificationBuilder.Build(dense.Shape, options, isBinary);
        (OperandExtent query, OperandExtent key, OperandExtent value, _) = ShapeChecks.Extents(dense.Shape, dense.Layout);
        PreparedRun? prepared = null;
        using KernelRun run = CalibratedRun.Create(new HandMadeKernel(inner => prepared = new PreparedRun(inner)), specification);
        fixed (float* queryData = operands.Query, keyData = operands.Key, valueData = operands.Value)
        {
            run.SetKeyValue(key.View(keyData), value.View(valueData), CancellationToken.None);
            run.SetQuery(query.View(queryData), CancellationToken.None);
        }

        return prepared!.Inputs;
    }
}
