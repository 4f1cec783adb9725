namespace BinaryAttention.Models.Training.Configuration;

/// <summary>What is minimised: cross entropy with the labels, and what a teacher says.</summary>
public sealed record LossSection
{
    /// <summary>What is spread evenly over all classes of a target, in [0, 1).</summary>
    public double LabelSmoothing { get; set; }

    /// <summary>The checkpoint of a teacher, run with exact attention on the same pictures.</summary>
    public string? Teacher { get; set; }

    /// <summary>Its attention heads, where its file does not say; 0 reads them off the file.</summary>
    public int TeacherHeads { get; set; }

    /// <summary><c>none</c>, <c>hard</c> (cross entropy with the teacher's first class) or <c>soft</c> (divergence from its probabilities).</summary>
    public string Distillation { get; set; } = "none";

    /// <summary>The teacher's share, in [0, 1]; the labels have the rest. 1 for unlabelled pictures.</summary>
    public double DistillationShare { get; set; } = 0.5;

    /// <summary>Divides the logits of both before soft distillation, above 0.</summary>
    public double Temperature { get; set; } = 1;

    /// <summary>Weight of the divergence of the student's attention maps from the teacher's, layer by layer; 0 leaves them alone.</summary>
    public double AttentionWeight { get; set; }
}
