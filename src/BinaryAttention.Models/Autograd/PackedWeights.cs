// Weights of linear layers in the product kernels' order, packed again at their first use on every tape: in between an optimiser may have changed them.
using BinaryAttention.Models.LinearAlgebra;

namespace BinaryAttention.Models.Autograd;

internal sealed class PackedWeights(Workspace workspace)
{
    private readonly Dictionary<Parameter, Entry> _entries = [];

    /// <summary>For <c>y = x W^T + b</c>, W being <c>[outputs, inputs]</c>.</summary>
    public PackedMatrix Forward(Parameter weight, Parameter? bias, int outputs, int inputs)
    {
        Entry entry = Find(weight);
        if (entry.Forward is null || entry.ForwardGeneration != workspace.Generation)
        {
            PackedMatrix matrix = entry.Forward ??= new PackedMatrix(outputs, inputs, PackedMatrix.PreferredLanes);
            matrix.FillBias(bias is null ? default : bias.Values);
            workspace.Loop.Tiles.Run(matrix.PanelCount, (panel, _) => matrix.FillPanel(panel, weight.Values), CancellationToken.None);
            entry.ForwardGeneration = workspace.Generation;
        }

        return entry.Forward;
    }

    /// <summary>For <c>dX = dY W</c>, which is a product with the transposed weights and no bias.</summary>
    public PackedMatrix Backward(Parameter weight, int outputs, int inputs)
    {
        Entry entry = Find(weight);
        if (entry.Backward is null || entry.BackwardGeneration != workspace.Generation)
        {
            PackedMatrix matrix = entry.Backward ??= new PackedMatrix(inputs, outputs, PackedMatrix.PreferredLanes);
            workspace.Loop.Tiles.Run(matrix.PanelCount, (panel, _) => matrix.FillPanelTransposed(panel, weight.Values), CancellationToken.None);
            entry.BackwardGeneration = workspace.Generation;
        }

        return entry.Backward;
    }

    private Entry Find(Parameter weight)
    {
        if (!_entries.TryGetValue(weight, out Entry? entry))
        {
            _entries.Add(weight, entry = new Entry());
        }

        return entry;
    }

    private sealed class Entry
    {
        public PackedMatrix? Forward { get; set; }

        public long ForwardGeneration { get; set; }

        public PackedMatrix? Backward { get; set; }

        public long BackwardGeneration { get; set; }
    }
}
